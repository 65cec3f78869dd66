"""What the state of an operator depends on: its own properties, part by part, over the columns that it reads.

Each part has two digests: for the layout, only keys count by their origin, and what else is read by its type;
for the meaning everything counts by its origin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.job.state.meaning.expressions import KINDS, expression_digest, function_name
from headrace.job.state.meaning.plan import Node, digest, fields, keeps_rows_as_sink, table_of
from headrace.job.state.meaning.rows import ColumnOrigin, Rows, Stream
from headrace.table.state import STATELESS, kind_of

THROUGH = {"exchange", "drop-update-before"}
"""Rows leave as they came."""
PROJECTS_ROWS = {"calc", "python-calc"}
APPENDS = {"over-aggregate", "correlate", "python-correlate", "window-table-function"}
"""Operators whose rows are those that came, with columns of their own at the end."""
KEEPS_ROWS = {
    "over-aggregate", "join", "temporal-join", "interval-join", "match", "deduplicate", "rank", "sort-limit",
    "window-join", "window-rank", "window-deduplicate", "temporal-sort", "sink-materializer",
    "changelog-normalize", "limit", "multi-join", "delta-join", "window-table-function",
}  # fmt: skip
"""Operators whose state holds whole rows of their input."""
KEEPS_ARGUMENTS = {
    "group-aggregate", "group-window-aggregate", "window-aggregate", "global-window-aggregate",
    "local-group-aggregate", "global-group-aggregate", "incremental-group-aggregate",
    "local-window-aggregate",
}  # fmt: skip
"""Operators whose state holds what they compute of some columns."""
KNOWN = STATELESS | THROUGH | KEEPS_ROWS | KEEPS_ARGUMENTS | {"sink"}

KEYS, AGGREGATES, STATE = "grouping", "aggCalls", "state"
_NOT_OWN = {"id", "type", "description", "inputProperties", "outputType"}
_NOT_LAYOUT = {"configuration", STATE, "inputUpsertKey"}
"""They decide when state goes or is written, not what it is made of."""
_OF_OUTPUT = {("group-aggregate", "generateUpdateBefore")}
"""They decide what leaves an operator; its state is the same with and without."""
_KEY_PARTS = {KEYS, "leftKeys", "rightKeys", "uniqueKeys", "keys"}
_COLUMNS = {
    "argList", "filterArg", "fields", "index", "fieldIndex", "timeAttributeIndex",
    "leftTimeAttributeIndex", "rightTimeAttributeIndex", "leftTimeIndex", "rightTimeIndex",
    "sliceEnd", "windowStart", "windowEnd", "leftUpsertKeys", "rightUpsertKeys", *_KEY_PARTS,
}  # fmt: skip
"""Properties that name columns by their numbers."""
_KEYED = {"partition", "partitionSpec"}
"""Objects whose fields are keys."""
_IDLE = {
    ("matchSpec", "measures"),  # computed when a match leaves: they are columns, and no state
    (AGGREGATES, "name"),
    (AGGREGATES, "called"),
    ("overSpec", "groups", AGGREGATES, "name"),
    ("overSpec", "groups", AGGREGATES, "called"),
    ("window", "alias"),
    ("window", "timeField", "fieldName"),
    ("window", "timeField", "inputIndex"),  # the number of an input, not of a column
    ("windowing", "window", "alias"),
    ("namedWindowProperties", "name"),
    ("namedWindowProperties", "property", "reference", "name"),
    ("localAggInputRowType", "fields", "name"),
}
"""Places in a plan that say nothing of state: most are names that people, or Flink's planner, gave to what
has another identity. By place, since a measure, a variable or a field may bear any name."""


@dataclass(frozen=True)
class Named:
    """Something that an operator reads or computes, under the name that people know it by."""

    name: str
    digest: str
    text: str


@dataclass(frozen=True)
class Parts:
    """What an operator's state depends on."""

    layout: Mapping[str, str]
    """Part → digest."""
    meaning: Mapping[str, str]
    keys: tuple[Named, ...] = ()
    reads: tuple[Named, ...] = ()
    """Its aggregates; or the columns of the rows that it keeps or writes."""

    @property
    def layout_digest(self) -> str:
        """What the bytes of its state depend on."""
        return digest(self.layout)

    @property
    def meaning_digest(self) -> str:
        """What its state is of."""
        return digest(self.layout, self.meaning)


def operator(node: Node, inputs: Sequence[Rows]) -> tuple[Rows, Parts]:
    """What leaves an operator, and what its state depends on."""
    kind = kind_of(node)
    sides = [rows.columns() for rows in inputs]
    came = [c for side in sides for c in side]
    own = {k: v for k, v in node.items() if k not in _NOT_OWN and (kind, k) not in _OF_OUTPUT}
    held = [] if kind in KEEPS_ARGUMENTS else came
    layout = _layout(node, own, sides, held)
    meaning = _meaning(own, sides, held) | {"rows": digest([rows.meaning for rows in inputs])}
    parts = Parts(layout, meaning, _keys(node, sides), _reads(node, held, came))
    return Rows((Stream(_leaving(node, parts, sides), parts.meaning_digest, parts.layout_digest),)), parts


def _layout(
    node: Node, own: Mapping[str, Any], sides: Sequence[Sequence[ColumnOrigin]], held: Sequence[ColumnOrigin]
) -> dict[str, str]:
    if kind_of(node) == "sink" and not keeps_rows_as_sink(node):  # the same table, whatever is written to it
        return {"table": digest("sink", table_of(node))}
    layout = {k: digest(_resolved(v, k, sides, layout=True)) for k, v in own.items() if k not in _NOT_LAYOUT}
    return {**layout, "kind": digest(node["type"]), "types": digest([c.type for c in held])}


def _meaning(
    own: Mapping[str, Any], sides: Sequence[Sequence[ColumnOrigin]], held: Sequence[ColumnOrigin]
) -> dict[str, str]:
    meaning = {k: digest(_resolved(v, k, sides, layout=False)) for k, v in own.items()}
    return {**meaning, "columns": digest([c.meaning for c in held])}


def _leaving(node: Node, parts: Parts, sides: Sequence[Sequence[ColumnOrigin]]) -> tuple[ColumnOrigin, ...]:
    """The columns of an operator's own, by their place; those that pass through stay what they are."""
    meaning, layout = parts.meaning_digest, parts.layout_digest
    measures = node.get("matchSpec", {}).get("measures", {})
    made = [
        ColumnOrigin(t, digest(layout, i), digest(meaning, _measured(measures, n, sides) or i), n)
        for i, (n, t) in enumerate(fields(node["outputType"]))
    ]
    if kind_of(node) in APPENDS:
        made[: len(sides[0])] = sides[0]
    return tuple(made)


def _measured(measures: Mapping[str, Node], name: str, sides: Sequence[Sequence[ColumnOrigin]]) -> str:
    """The digest of a measure of MATCH_RECOGNIZE: it is computed when a match leaves, and is not state."""
    return expression_digest(measures[name], [c.meaning for c in sides[0]]) if name in measures else ""


def _resolved(value: Any, key: str, sides: Sequence[Sequence[ColumnOrigin]], *, layout: bool) -> Any:
    """A property with the origins of columns in place of their numbers."""
    return _Resolver(sides, layout).resolve(value, (key,), keyed=key in _KEY_PARTS)


class _Resolver:
    """Replaces column numbers by origins, for the layout or for the meaning."""

    def __init__(self, sides: Sequence[Sequence[ColumnOrigin]], layout: bool) -> None:
        self.sides, self.layout = sides, layout
        self.came = [c for side in sides for c in side]
        self.leaves = [c.type if layout else c.meaning for c in self.came]

    def resolve(self, value: Any, path: tuple[str, ...], *, keyed: bool) -> Any:
        """The value at that path; ``keyed`` inside the properties of keys."""
        if isinstance(value, dict):
            return self._mapping(value, path, keyed=keyed or path[-1] in _KEYED)
        if isinstance(value, list):
            return [self.resolve(v, path, keyed=keyed) for v in value]
        if path[-1] in _COLUMNS and type(value) is int:
            return self._column(value, path[-1], keyed=keyed)
        return value

    def _mapping(self, value: dict[str, Any], path: tuple[str, ...], *, keyed: bool) -> Any:
        if value.get("kind") in KINDS:
            return expression_digest(value, self.leaves, exact_types=self.layout)
        return {
            k: self.resolve(v, (*path, k), keyed=keyed or k in _KEY_PARTS)
            for k, v in value.items()
            if (*path, k) not in _IDLE
        }

    def _column(self, number: int, key: str, *, keyed: bool) -> Any:
        """The origin of a column; a number that is not one stays."""
        side: Sequence[ColumnOrigin] = self.came
        if key.startswith("left"):
            side = self.sides[0]
        elif key.startswith("right"):
            side = self.sides[-1]
        if not 0 <= number < len(side):
            return number
        column = side[number]
        if not self.layout:
            return column.meaning
        return column.layout if keyed else column.type


def _keys(node: Node, sides: Sequence[Sequence[ColumnOrigin]]) -> tuple[Named, ...]:
    """The columns by which state is kept apart."""
    came = [c for side in sides for c in side]
    numbers = node.get(KEYS) or node.get("uniqueKeys") or _partition(node)
    grouping = [came[n] for n in numbers if isinstance(n, int) and n < len(came)]
    return tuple(Named("", c.layout, c.text) for c in (*grouping, *_join_keys(node, sides)))


def _join_keys(node: Node, sides: Sequence[Sequence[ColumnOrigin]]) -> list[ColumnOrigin]:
    spec = node.get("joinSpec") or node.get("intervalJoinSpec", {}).get("joinSpec") or {}
    by_side = zip(sides, ("leftKeys", "rightKeys"), strict=False)
    return [side[n] for side, key in by_side for n in spec.get(key, [])]


def _partition(node: Node) -> list[int]:
    spec = node.get("partitionSpec") or node.get("overSpec", {}).get("partition")
    spec = spec or node.get("matchSpec", {}).get("partition") or {}
    return list(spec.get("fields", []))


def _reads(node: Node, held: Sequence[ColumnOrigin], came: Sequence[ColumnOrigin]) -> tuple[Named, ...]:
    calls = node.get(AGGREGATES) or [
        call for group in node.get("overSpec", {}).get("groups", []) for call in group[AGGREGATES]
    ]
    found = [_call(call, came) for call in calls]
    names = [n for n, _ in fields(node["outputType"])] if kind_of(node) == "sink" else [c.text for c in held]
    return (*found, *(Named(n, c.meaning, c.text) for n, c in zip(names, held, strict=False)))


def _call(call: Node, came: Sequence[ColumnOrigin]) -> Named:
    """An aggregate function with what it is of."""
    numbers = [*call.get("argList", []), *([call["filterArg"]] if call.get("filterArg", -1) >= 0 else [])]
    read = [came[n] for n in numbers if n < len(came)]
    function = function_name(call)
    of = [c.text for c in read[: len(call.get("argList", []))]]
    text = f"{function}({', '.join(of) or '*'})"
    text = text.replace("(", "(DISTINCT ", 1) if call.get("distinct") else text
    if call.get("filterArg", -1) >= 0:
        text += f" FILTER (WHERE {read[-1].text})"
    return Named(str(call.get("name", "")), digest(function, [c.meaning for c in read]), text)
