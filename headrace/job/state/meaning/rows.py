"""Rows on their way from the sources: which rows they are, and where each of their columns comes from.

Rows come in **streams**: the rows of one source or operator that fulfil some conditions. A UNION ALL has
those of all its inputs. A column is followed in each stream by itself, because two columns of a union that
are made of the same origins in other streams are two columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.job.state.meaning.expressions import conjuncts, expression_digest, expression_text
from headrace.job.state.meaning.plan import Node, digest, fields, table_of


@dataclass(frozen=True)
class ColumnOrigin:
    """One column of a stream of rows: where it comes from."""

    type: str
    layout: str
    meaning: str
    text: str
    """For people; it decides nothing."""


@dataclass(frozen=True)
class Stream:
    """Rows of one source or operator."""

    columns: tuple[ColumnOrigin, ...]
    origin: str
    """The meaning of the source or operator."""
    origin_layout: str
    conditions: Mapping[str, str] = field(default_factory=dict)
    """What they fulfil, one by one: Flink may test it in one place or in several. Digest → text."""

    is_source: bool = False

    @property
    def meaning(self) -> str:
        """Which rows these are."""
        return digest(self.origin, sorted(self.conditions))

    @property
    def above(self) -> str:
        """What it stands upon: a topic whatever its contract says, an operator only with the same meaning."""
        return self.origin_layout if self.is_source else self.origin


@dataclass(frozen=True)
class Rows:
    """What leaves a node."""

    streams: tuple[Stream, ...]

    @property
    def meaning(self) -> str:
        """Which rows these are, in whatever order a union names them."""
        return digest("rows", sorted(b.meaning for b in self.streams))

    @property
    def conditions(self) -> dict[str, str]:
        """What they fulfil in one stream or another."""
        return {k: v for stream in self.streams for k, v in stream.conditions.items()}

    def columns(self) -> tuple[ColumnOrigin, ...]:
        """Each column, followed through all streams.

        All columns see the streams in one order, whatever order that is: where two plans agree on the
        digests of several columns, they agree stream by stream, so that no two columns can change places.
        """
        if len(self.streams) == 1:
            return self.streams[0].columns
        ordered = sorted(self.streams, key=lambda b: (b.meaning, [c.meaning for c in b.columns]))
        origins = [b.origin_layout for b in ordered]
        # The state of a key has to be found again when a filter changes, so a stream is recognised by its
        # origin, if it can be.
        labels = [b.origin_layout if origins.count(b.origin_layout) == 1 else b.meaning for b in ordered]
        return tuple(
            _through(ordered, labels, [b.columns[at] for b in ordered])
            for at in range(len(ordered[0].columns))
        )


def _through(ordered: Sequence[Stream], labels: Sequence[str], side: Sequence[ColumnOrigin]) -> ColumnOrigin:
    """One column of a union: itself where it is the same in every stream."""
    layouts, meant = [c.layout for c in side], [c.meaning for c in side]
    by_label = sorted(zip(labels, range(len(side)), layouts, strict=True))
    by_branch = [(stream.meaning, m) for stream, m in zip(ordered, meant, strict=True)]
    return ColumnOrigin(
        side[0].type,
        layouts[0] if len(set(layouts)) == 1 else digest("union", [(a, c) for a, _, c in by_label]),
        meant[0] if len(set(meant)) == 1 else digest("union", by_branch),
        " or ".join(dict.fromkeys(c.text for c in side)),
    )


def read(node: Node, facts: Mapping[str, Any]) -> Rows:
    """The rows of a source.

    Args:
        node: a table scan.
        facts: what decides which rows come from it, besides what the plan says.
    """
    table, named = table_of(node), fields(node["outputType"])
    names = [name for name, _ in named]
    abilities = [a for a in node["scanTableSource"].get("abilities", []) if a["type"] not in _PROJECTS]
    columns = tuple(ColumnOrigin(t, digest(table, n, t), digest(table, n, t), n) for n, t in named)
    topic = facts.get("physicalName", "")
    meaning = digest("source", table, deciding(facts), _by_name(abilities, names))
    return Rows((Stream(columns, meaning, digest("source", table, topic), is_source=True),))


_PROJECTS = {"ReadingMetadata", "ProjectPushDown"}
"""Which columns are read: the operators that read them show it."""
COLUMNS, UNKNOWN_FIELDS = "columns", "unknownFields"
"""Facts of a source: the columns of its contract, and what becomes of fields that are not among them."""


def deciding(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What decides which rows come. Columns count where another field is refused; else each for itself."""
    return {k: v for k, v in facts.items() if k != COLUMNS or facts.get(UNKNOWN_FIELDS) == "reject"}


def _by_name(value: Any, names: Sequence[str]) -> Any:
    """Expressions with the names of a source's columns in the place of their numbers."""
    if isinstance(value, dict):
        return {
            k: names[v] if k == "inputIndex" and v < len(names) else _by_name(v, names)
            for k, v in value.items()
            if k != "producedType"  # all columns, also those that nobody reads
        }
    return [_by_name(v, names) for v in value] if isinstance(value, list) else value


def computed(node: Node, rows: Rows) -> Rows:
    """The rows of a projection with a filter."""
    return Rows(tuple(_computed(node, stream) for stream in rows.streams))


def _computed(node: Node, stream: Stream) -> Stream:
    meant = [c.meaning for c in stream.columns]
    names = [c.text for c in stream.columns]
    named = [name for name, _ in fields(node["outputType"])]
    columns = tuple(
        _called(column(e, stream.columns), n) for e, n in zip(node["projection"], named, strict=True)
    )
    demanded = conjuncts(node.get("condition"))
    fulfilled = {expression_digest(c, meant): expression_text(c, names, bare=True) for c in demanded}
    return replace(stream, columns=columns, conditions={**stream.conditions, **fulfilled})


def _called(found: ColumnOrigin, name: str) -> ColumnOrigin:
    """Our own columns by their names: what they are is the contract's matter, and long."""
    return replace(found, text=name) if name.startswith("_") else found


def column(expression: Node, columns: Sequence[ColumnOrigin]) -> ColumnOrigin:
    """What an expression over columns is."""
    if expression.get("kind") == "INPUT_REF":
        return columns[expression["inputIndex"]]
    return ColumnOrigin(
        _type(expression),
        expression_digest(expression, [c.layout for c in columns], exact_types=True),
        expression_digest(expression, [c.meaning for c in columns]),
        expression_text(expression, [c.text for c in columns]),
    )


def united(inputs: Sequence[Rows]) -> Rows:
    """The rows of all inputs."""
    return Rows(tuple(stream for rows in inputs for stream in rows.streams))


def timed(node: Node, rows: Rows) -> Rows:
    """The rows that came, in event time."""
    expression = node.get("watermarkExpr") or {}
    columns = rows.columns()
    mark = digest("watermark", expression_digest(expression, [c.meaning for c in columns]))
    text = f"watermark: {expression_text(expression, [c.text for c in columns])}"
    return Rows(tuple(replace(b, conditions={**b.conditions, mark: text}) for b in rows.streams))


def _type(expression: Node) -> str:
    return json.dumps(expression.get("type"), sort_keys=True)
