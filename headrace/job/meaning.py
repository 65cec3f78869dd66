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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.table.state import STATELESS, kind_of

Node = dict[str, Any]
Plan = Mapping[str, Any]

FUNCTIONS = "functions"
"""What headrace adds to a plan: the code of each Python function, of which Flink's plan has the name only."""

_THROUGH = {"exchange", "drop-update-before"}
"""Rows leave as they came."""
_PROJECTS_ROWS = {"calc", "python-calc"}
_APPENDS = {"over-aggregate", "correlate", "python-correlate"}
"""Operators whose rows are those that came, with columns of their own behind."""
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
_COLUMNS = {
    "argList", "filterArg", "fields", "index", "inputIndex", "fieldIndex", "timeAttributeIndex",
    "leftTimeAttributeIndex", "rightTimeAttributeIndex", *_KEYS,
}  # fmt: skip
"""Properties that name columns by their numbers."""
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
    origin: str
    """The meaning of the source or operator that they come from."""
    conditions: frozenset[str] = frozenset()
    """What they fulfil, one by one: Flink may test it in one place or in several."""

    @property
    def meaning(self) -> str:
        """Which rows these are."""
        return _digest(self.origin, sorted(self.conditions))


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
    follows: bool
    """Whether its state is the same whatever it reads: positions of a source, files of a sink."""
    filters: tuple[str, ...]
    """What rows must fulfil to come here, behind the nearest operators with state; in Flink's words."""


def meanings(plan: Plan) -> dict[int, Meaning]:
    """Every node of a plan, by id."""
    return _Reader(plan).read()


def is_stateful(node: Node) -> bool:
    """Whether Flink keeps state for it: sources keep positions, sinks what is to be committed."""
    return kind_of(node) not in STATELESS or kind_of(node) == "table-source-scan"


def _coded(value: Any, code: Mapping[str, str]) -> Any:
    """A node with the code of each function beside its name."""
    if isinstance(value, dict):
        told = {k: _coded(v, code) for k, v in value.items()}
        name = str(value.get("catalogName", "")).rpartition(".")[2].strip("`")
        return {**told, "code": code[name]} if name in code else told
    return [_coded(v, code) for v in value] if isinstance(value, list) else value


def _follows(node: Node) -> bool:
    kind = kind_of(node)
    return kind == "table-source-scan" or (kind == "sink" and not _keeps_rows(node))


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class _Reader:
    def __init__(self, plan: Plan) -> None:
        code = plan.get(FUNCTIONS, {})
        self.nodes: dict[int, Node] = {n["id"]: _coded(n, code) if code else n for n in plan["nodes"]}
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
                follows=_follows(node),
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
        if kind in _PROJECTS_ROWS:
            return _calc(node, inputs[0])
        if kind == "union":
            return _union(node, inputs)
        if kind == "watermark-assigner":
            return _timed(node, inputs[0])
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
    columns = tuple(Column(t, _digest(table, n, t), _digest(table, n, t)) for n, t in named)
    return Rows(columns, meaning), (_digest("source", table), meaning)


_PROJECTS = {"ReadingMetadata", "ProjectPushDown"}
"""Which columns are read: told by those who read them."""


def _by_name(told: Any, names: Sequence[str]) -> Any:
    """Expressions with the names of a source's columns in the place of their numbers."""
    if isinstance(told, dict):
        return {
            k: names[v] if k == "inputIndex" and v < len(names) else _by_name(v, names)
            for k, v in told.items()
            if k != "producedType"  # all columns, also those that nobody reads
        }
    return [_by_name(v, names) for v in told] if isinstance(told, list) else told


def _calc(node: Node, came: Rows) -> tuple[Rows, tuple[str, str]]:
    meant, laid = [c.meaning for c in came.columns], [c.layout for c in came.columns]
    columns = tuple(
        came.columns[e["inputIndex"]]
        if e.get("kind") == "INPUT_REF"
        else Column(_type(e), _expression(e, laid), _expression(e, meant))
        for e in node["projection"]
    )
    fulfilled = frozenset(_expression(c, meant) for c in _conjuncts(node.get("condition")))
    rows = Rows(columns, came.origin, came.conditions | fulfilled)
    digest = _digest("calc", rows.meaning, [c.meaning for c in columns])
    return rows, (digest, digest)


def _conjuncts(condition: Node | None) -> list[Node]:
    if condition is None:
        return []
    if condition.get("internalName") == "$AND$1":
        return [c for operand in condition["operands"] for c in _conjuncts(operand)]
    return [condition]


def _expression(told: Node, columns: Sequence[str]) -> str:
    """The digest of an expression: the same in one projection as in two behind one another."""
    if told.get("kind") == "INPUT_REF":
        return columns[told["inputIndex"]]

    def inner(value: Any) -> Any:
        if isinstance(value, dict):
            return _expression(value, columns) if "kind" in value else {k: inner(v) for k, v in value.items()}
        return [inner(v) for v in value] if isinstance(value, list) else value

    return _digest({k: inner(v) for k, v in told.items()})


def _union(node: Node, inputs: Sequence[Rows]) -> tuple[Rows, tuple[str, str]]:
    """The rows of all inputs, in whatever order these are written."""
    sides = zip(*(rows.columns for rows in inputs), strict=True)
    columns = tuple(
        Column(t, _digest(sorted(c.layout for c in side)), _digest(sorted(c.meaning for c in side)))
        for side, (_, t) in zip(sides, _fields(node["outputType"]), strict=True)
    )
    meaning = _digest("union", sorted(_digest(r.meaning, [c.meaning for c in r.columns]) for r in inputs))
    return Rows(columns, meaning), (meaning, meaning)


def _timed(node: Node, came: Rows) -> tuple[Rows, tuple[str, str]]:
    """The rows that came, in event time."""
    expression = node.get("watermarkExpr") or {}
    told = _digest("watermark", _expression(expression, [c.meaning for c in came.columns]))
    rows = Rows(came.columns, came.origin, came.conditions | {told})
    return rows, (rows.meaning, rows.meaning)


def _operator(node: Node, inputs: Sequence[Rows]) -> tuple[Rows, tuple[str, str]]:
    kind = kind_of(node)
    sides = [rows.columns for rows in inputs]
    came = [c for side in sides for c in side] if kind not in _KEEPS_ARGUMENTS else []
    own = {k: v for k, v in node.items() if k not in _NOT_OWN}
    lasting = {k: v for k, v in own.items() if k not in _NOT_LAYOUT}
    layout = _digest(kind, _told(lasting, sides, layout=True), [c.type for c in came])
    if kind == "sink" and not _keeps_rows(node):  # a table is the same table, whatever is written into it
        layout = _digest("sink", table_of(node))
    meaning = _digest(
        layout,
        _told({k: v for k, v in own.items() if k != "state"}, sides, layout=False),
        own.get("state"),
        [rows.meaning for rows in inputs],
        [c.meaning for c in came],
    )
    columns = [
        Column(t, _digest(layout, i), _digest(meaning, i))
        for i, (_, t) in enumerate(_fields(node["outputType"]))
    ]
    if kind in _APPENDS:
        columns[: len(sides[0])] = sides[0]
    return Rows(tuple(columns), meaning), (layout, meaning)


def _keeps_rows(node: Node) -> bool:
    """Whether a sink holds rows of its own, to put an update in its place."""
    return bool(node.get("state") or node.get("requireUpsertMaterialize"))


def _told(own: Node, sides: Sequence[Sequence[Column]], *, layout: bool) -> Any:
    """An operator's own properties with the origins of columns in the place of their numbers.

    For the layout only keys are told by origin; what else is read counts by its type.
    """
    came = [c for side in sides for c in side]

    def column(index: int, side: Sequence[Column], *, keyed: bool) -> Any:
        if not 0 <= index < len(side):
            return index
        found = side[index]
        return found.meaning if not layout else found.layout if keyed else found.type

    def told(value: Any, key: str, *, keyed: bool) -> Any:
        if isinstance(value, dict):
            inner = keyed or key in _KEYED
            # A name that people gave says nothing; that of a field which is read does. Numbers of inputs
            # are none of columns.
            skipped = {"inputIndex"} if "fieldIndex" in value else set[str]()
            skipped |= set() if "kind" in value else {"name"}
            return {k: told(v, k, keyed=inner or k in _KEYS) for k, v in value.items() if k not in skipped}
        if isinstance(value, list):
            return [told(v, key, keyed=keyed) for v in value]
        if key in _COLUMNS and isinstance(value, int) and not isinstance(value, bool):
            side = sides[0] if key.startswith("left") else sides[-1] if key.startswith("right") else came
            return column(value, side, keyed=keyed)
        return value

    return told(own, "", keyed=False)


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
