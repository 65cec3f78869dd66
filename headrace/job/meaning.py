"""What the nodes of a compiled plan mean: pure, from the plan's JSON.

Flink finds state by node id and operator type, and never asks what the state is of. So the ids are ours to
keep: two nodes mean the same if what reaches them from the sources, and what they do with it, is the same,
however the statements are ordered and whatever else the plan holds.

Each node has two digests. Its **layout** is what the bytes of its state depend on: the operator, its keys
and what these are made of, the types of what it keeps. Its **meaning** is all of that and the arguments,
filters and everything else that decides which rows it has seen and what it makes of them. Where the layouts
are alike, state can be kept; where the meanings are, it should be.

Columns are followed to their origin: `origin` of a projection over a filter over a topic is that topic's
column, so a column that is added or moved changes nothing for those who do not read it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.table.state import STATELESS, kind_of

Node = dict[str, Any]
Plan = Mapping[str, Any]

_THROUGH = {"exchange", "watermark-assigner", "drop-update-before"}
"""Rows leave as they came."""
_KEEPS_ROWS = {
    "over-aggregate", "join", "temporal-join", "interval-join", "match", "deduplicate", "rank", "sort-limit",
    "window-join", "window-rank", "window-deduplicate", "temporal-sort", "sink-materializer",
    "changelog-normalize", "limit", "multi-join", "delta-join",
}  # fmt: skip
"""Operators whose state holds whole rows of their input."""
_KEEPS_ARGUMENTS = {
    "group-aggregate", "group-window-aggregate", "window-aggregate", "global-window-aggregate",
    "local-group-aggregate", "global-group-aggregate", "incremental-group-aggregate",
    "local-window-aggregate",
}  # fmt: skip
"""Operators whose state holds what they compute of some columns."""
KNOWN = STATELESS | _THROUGH | _KEEPS_ROWS | _KEEPS_ARGUMENTS | {"sink"}

_NOT_OWN = {"id", "description", "inputProperties", "outputType"}
_NOT_LAYOUT = {"configuration", "state", "inputUpsertKey"}
"""They decide when state goes or is written, not what it is made of."""
_KEYS = {"grouping", "leftKeys", "rightKeys", "uniqueKeys", "keys"}
_COLUMNS = {"argList", "filterArg", "fields", "index", "inputIndex", *_KEYS}
_KEYED = {"partition", "partitionSpec"}
"""Objects whose fields are keys."""


@dataclass(frozen=True)
class Column:
    """One column of a stream of rows: where it comes from."""

    type: str
    layout: str
    meaning: str


@dataclass(frozen=True)
class Rows:
    """What leaves a node."""

    columns: tuple[Column, ...]
    meaning: str
    """Which rows these are."""


@dataclass(frozen=True)
class Meaning:
    """One node."""

    id: int
    kind: str
    type: str
    """Flink's own, with its version: with the id, it is how state is found."""
    description: str
    layout: str
    meaning: str
    stateful: bool
    places: frozenset[str]
    """Ways from the sinks up to here, over operators with state only."""
    filters: tuple[str, ...]
    """What rows must fulfil to come here, behind the nearest operators with state; in Flink's words."""


def meanings(plan: Plan) -> dict[int, Meaning]:
    """Every node of a plan, by id."""
    return _Reader(plan).read()


def is_stateful(node: Node) -> bool:
    """Whether Flink keeps state for it: sources keep positions, sinks what is to be committed."""
    return kind_of(node) not in STATELESS or kind_of(node) == "table-source-scan"


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class _Reader:
    def __init__(self, plan: Plan) -> None:
        self.nodes: dict[int, Node] = {n["id"]: n for n in plan["nodes"]}
        self.inputs: dict[int, list[int]] = {i: [] for i in self.nodes}
        for edge in plan["edges"]:
            self.inputs[edge["target"]].append(edge["source"])
        self.rows: dict[int, Rows] = {}
        self.digests: dict[int, tuple[str, str]] = {}

    def read(self) -> dict[int, Meaning]:
        for number in self.nodes:
            self._rows(number)
        places = self._places()
        return {
            number: Meaning(
                id=number,
                kind=kind_of(node),
                type=node["type"],
                description=str(node.get("description", "")),
                layout=self.digests[number][0],
                meaning=self.digests[number][1],
                stateful=is_stateful(node),
                places=frozenset(places.get(number, ())),
                filters=self._filters(number),
            )
            for number, node in self.nodes.items()
        }

    # what leaves a node

    def _rows(self, number: int) -> Rows:
        if number not in self.rows:
            node = self.nodes[number]
            inputs = [self._rows(i) for i in self.inputs[number]]
            self.rows[number], self.digests[number] = self._made(node, inputs)
        return self.rows[number]

    def _made(self, node: Node, inputs: Sequence[Rows]) -> tuple[Rows, tuple[str, str]]:
        kind = kind_of(node)
        if kind == "table-source-scan":
            return _source(node)
        if kind == "calc":
            return _calc(node, inputs[0])
        if kind in _THROUGH:
            digest = _digest(kind, inputs[0].meaning, [c.meaning for c in inputs[0].columns])
            return inputs[0], (digest, digest)
        return _operator(node, inputs)

    # where a node stands

    def _places(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}

        def up(number: int, place: str) -> None:
            node = self.nodes[number]
            if is_stateful(node):
                place = f"{place}/{kind_of(node)}"
                found.setdefault(number, set()).add(place)
            several = len(self.inputs[number]) > 1
            for at, source in enumerate(self.inputs[number]):
                up(source, f"{place}:{at}" if several else place)

        for number, node in self.nodes.items():
            if kind_of(node) == "sink":
                up(number, table_of(node))
        return found

    def _filters(self, number: int) -> tuple[str, ...]:
        """Conditions between a node and the operators with state before it."""
        found: list[str] = []
        for source in self.inputs[number]:
            node = self.nodes[source]
            if is_stateful(node):
                continue
            text = str(node.get("description", ""))
            if "where=[" in text:
                found.append(text.partition("where=[")[2].rpartition("]")[0])
            found += self._filters(source)
        return tuple(found)


def table_of(node: Node) -> str:
    """The table that a source reads or a sink writes."""
    place = node.get("dynamicTableSink") or node["scanTableSource"]
    return str(place["table"]["identifier"]).rpartition(".")[2].strip("`")


def _source(node: Node) -> tuple[Rows, tuple[str, str]]:
    table = table_of(node)
    rest = [a for a in node["scanTableSource"].get("abilities", []) if a["type"] not in _PROJECTS]
    named = _fields(node["outputType"])
    names = [name for name, _ in named]
    meaning = _digest("source", table, _by_name(rest, names))
    columns = tuple(Column(t, _digest(table, n), _digest(table, n)) for n, t in named)
    return Rows(columns, meaning), (_digest("source", table), meaning)


_PROJECTS = {"ReadingMetadata", "ProjectPushDown"}
"""Which columns are read: told by those who read them."""


def _by_name(told: Any, names: Sequence[str]) -> Any:
    """Expressions with the names of a source's columns in the place of their numbers."""
    return _walk(
        told, lambda key, index: names[index] if key == "inputIndex" and index < len(names) else index
    )


def _calc(node: Node, came: Rows) -> tuple[Rows, tuple[str, str]]:
    columns = tuple(
        came.columns[e["inputIndex"]]
        if e.get("kind") == "INPUT_REF"
        else Column(_type(e), _digest(_laid(e, came.columns)), _digest(_meant(e, came.columns)))
        for e in node["projection"]
    )
    condition = node.get("condition")
    meaning = _digest(came.meaning, _meant(condition, came.columns)) if condition else came.meaning
    digest = _digest("calc", meaning, [c.meaning for c in columns])
    return Rows(columns, meaning), (digest, digest)


def _operator(node: Node, inputs: Sequence[Rows]) -> tuple[Rows, tuple[str, str]]:
    kind = kind_of(node)
    came = tuple(c for rows in inputs for c in rows.columns)
    own = {k: v for k, v in node.items() if k not in _NOT_OWN}
    layout_own = {k: v for k, v in own.items() if k not in _NOT_LAYOUT}
    sides = [list(rows.columns) for rows in inputs]
    layout = _digest(
        kind,
        _told(layout_own, sides, came, layout=True),
        [c.type for c in came] if kind not in _KEEPS_ARGUMENTS else [],
    )
    meaning = _digest(
        kind,
        layout,
        _told(own, sides, came, layout=False),
        [rows.meaning for rows in inputs],
        [c.meaning for c in came] if kind not in _KEEPS_ARGUMENTS else [],
    )
    if kind == "sink":  # a table is the same table, whatever is written into it
        layout = _digest("sink", table_of(node))
    columns = tuple(
        Column(t, _digest(layout, i), _digest(meaning, i))
        for i, (_, t) in enumerate(_fields(node["outputType"]))
    )
    return Rows(columns, meaning), (layout, meaning)


def _told(own: Any, sides: Sequence[Sequence[Column]], came: Sequence[Column], *, layout: bool) -> Any:
    """An operator's own properties with the origins of columns in the place of their numbers.

    For the layout only keys are told by origin; what else is read counts by its type.
    """

    def column(key: str, index: int, keyed: bool, side: Sequence[Column]) -> Any:
        if not 0 <= index < len(side):
            return index
        found = side[index]
        if not layout:
            return found.meaning
        return found.layout if keyed else found.type

    def told(value: Any, key: str, *, keyed: bool) -> Any:
        if isinstance(value, dict):
            return {
                k: told(v, k, keyed=keyed or key in _KEYED or k in _KEYS)
                for k, v in value.items()
                if k != "name"
            }
        if isinstance(value, list):
            return [told(v, key, keyed=keyed) for v in value]
        if key in _COLUMNS and isinstance(value, int) and not isinstance(value, bool):
            side = sides[-1] if key == "rightKeys" else sides[0] if key == "leftKeys" else came
            return column(key, value, keyed, side)
        return value

    return told(own, "", keyed=False)


def _meant(expression: Any, columns: Sequence[Column]) -> Any:
    return _walk(expression, lambda key, i: columns[i].meaning if key == "inputIndex" else i)


def _laid(expression: Any, columns: Sequence[Column]) -> Any:
    return _walk(expression, lambda key, i: columns[i].layout if key == "inputIndex" else i)


def _walk(value: Any, replaced: Callable[[str, int], Any], key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _walk(v, replaced, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_walk(v, replaced, key) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return replaced(key, value)
    return value


def _fields(row: Any) -> list[tuple[str, str]]:
    """Names and types of a row type, as Flink writes it: as an object, or as text."""
    if isinstance(row, dict):
        return [(f["name"], json.dumps(f["fieldType"], sort_keys=True)) for f in row["fields"]]
    found, depth, start = [], 0, len("ROW<")
    text = row[: row.rindex(">")]
    for at in range(start, len(text) + 1):
        char = text[at] if at < len(text) else ","
        depth += (char in "<(") - (char in ">)")
        if char == "," and depth == 0:
            name, _, kind = text[start:at].strip()[1:].partition("` ")
            found.append((name, json.dumps(kind)))
            start = at + 1
    return found


def _type(expression: Node) -> str:
    return json.dumps(expression.get("type"), sort_keys=True)
