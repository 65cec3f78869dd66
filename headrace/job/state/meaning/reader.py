"""Every node of a plan with its meaning, and what is reported when that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.job.state.meaning.operators import PROJECTS_ROWS, THROUGH, Parts, operator
from headrace.job.state.meaning.plan import (
    FUNCTIONS,
    PROMISES,
    SOURCES,
    Node,
    digest,
    inputs,
    is_stateful,
    keeps_rows_as_sink,
    table_of,
    with_code,
)
from headrace.job.state.meaning.rows import Rows, computed, read, timed, united
from headrace.ledger.records.plan import Plan
from headrace.table.state import kind_of


@dataclass(frozen=True)
class Meaning:
    """One node."""

    id: int
    kind: str
    type: str
    """Flink's own, with its version: with the id, it is how state is found."""
    description: str
    parts: Parts
    layout: str
    meaning: str
    stateful: bool
    places: frozenset[str]
    """Ways from the sinks up to here, over operators with state only."""
    follows: bool
    """Whether its state is the same whatever it reads: positions of a source, files of a sink."""
    conditions: Mapping[str, str]
    """What rows fulfil that come here, since the nearest operators with state: digest → text."""
    above: tuple[str, ...]
    """The topics and operators with state that its rows come from."""
    facts: Mapping[str, Mapping[str, Any]]
    """What is known of the sources that it reads, by table."""
    promises: Mapping[str, Mapping[str, str]]
    """What the contracts of these promise of a row, for people; empty in locks of before."""
    ttl: tuple[str, ...]
    """How long its state is kept, state by state."""

    @property
    def shapes(self) -> frozenset[str]:
        """What it can be recognised by where it has changed: the more two have in common, the closer."""
        texts = {n.text for n in (*self.parts.reads, *self.parts.keys)} | set(self.conditions.values())
        return frozenset({*self.parts.meaning.values(), *self.conditions, *texts, *self.facts})


def meanings(plan: Plan) -> dict[int, Meaning]:
    """Every node of a plan, by id."""
    return _PlanReader(plan).read()


class _PlanReader:
    def __init__(self, plan: Plan) -> None:
        code = plan.get(FUNCTIONS, {})
        self.nodes: dict[int, Node] = {n["id"]: with_code(n, code) if code else n for n in plan["nodes"]}
        self.inputs = inputs(plan)
        self.sources: Mapping[str, Mapping[str, Any]] = plan.get(SOURCES, {})
        self.promises: Mapping[str, Mapping[str, str]] = plan.get(PROMISES, {})
        self.rows: dict[int, Rows] = {}
        self.parts: dict[int, Parts] = {}

    def read(self) -> dict[int, Meaning]:
        for number in self.nodes:
            self._rows(number)
        places = self._places()
        return {n: self._meaning(n, places.get(n, set())) for n in self.nodes}

    def _meaning(self, number: int, places: set[str]) -> Meaning:
        node, parts, kind = self.nodes[number], self.parts[number], kind_of(self.nodes[number])
        came = [self.rows[i] for i in self.inputs[number]] or [self.rows[number]]
        return Meaning(
            id=number,
            kind=kind,
            type=node["type"],
            description=str(node.get("description", "")),
            parts=parts,
            layout=parts.layout_digest,
            meaning=parts.meaning_digest,
            stateful=is_stateful(node),
            places=frozenset(places),
            follows=_follows(kind, node),
            conditions={k: v for rows in came for k, v in rows.conditions.items()},
            above=tuple(sorted(b.above for rows in came for b in rows.streams)),
            facts=(facts := self._facts(number)),
            promises=self._promises(facts),
            ttl=tuple(str(s["ttl"]) for s in node.get("state", [])),
        )

    def _promises(self, facts: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
        return {table: self.promises[table] for table in facts if table in self.promises}

    def _rows(self, number: int) -> Rows:
        if number not in self.rows:
            came = [self._rows(i) for i in self.inputs[number]]
            self.rows[number], self.parts[number] = self._made(self.nodes[number], came)
        return self.rows[number]

    def _made(self, node: Node, came: Sequence[Rows]) -> tuple[Rows, Parts]:
        kind = kind_of(node)
        if kind == "table-source-scan":
            rows = read(node, self.sources.get(table_of(node), {}))
            return rows, Parts({"source": rows.streams[0].origin_layout}, {"rows": rows.meaning})
        if kind in PROJECTS_ROWS:
            rows = computed(node, came[0])
        elif kind == "union":
            rows = united(came)
        elif kind == "watermark-assigner":
            rows = timed(node, came[0])
        elif kind in THROUGH:
            rows = came[0]
        else:
            return operator(node, came)
        passing = digest(kind, rows.meaning, [c.meaning for c in rows.columns()])
        return rows, Parts({"rows": passing}, {"rows": passing})

    def _places(self) -> dict[int, set[str]]:
        """Not by the number of an input: a person may well turn the sides of a join or a union around."""
        found: dict[int, set[str]] = {}

        def up(number: int, place: str) -> None:
            node = self.nodes[number]
            if is_stateful(node):
                place = f"{place}/{kind_of(node)}"
                found.setdefault(number, set()).add(place)
            for source in self.inputs[number]:
                up(source, place)

        for number, node in self.nodes.items():
            if kind_of(node) == "sink":
                up(number, table_of(node))
        return found

    def _facts(self, number: int) -> dict[str, Mapping[str, Any]]:
        """The facts of the sources above a node."""
        node = self.nodes[number]
        if kind_of(node) == "table-source-scan":
            table = table_of(node)
            return {table: self.sources.get(table, {})}
        return {k: v for i in self.inputs[number] for k, v in self._facts(i).items()}


def _follows(kind: str, node: Node) -> bool:
    """Whether its state does not depend on what it reads."""
    return kind == "table-source-scan" or (kind == "sink" and not keeps_rows_as_sink(node))
