"""Compiled plans of a few nodes, written by hand in Flink's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Node = dict[str, Any]
Plan = dict[str, Any]
TABLE = "`default_catalog`.`default_database`."
FACTS = {"physicalName": "topic", "unknownFields": "ignore", "columns": {"a": "BIGINT", "b": "BIGINT"}}


def ref(number: int) -> Node:
    return {"kind": "INPUT_REF", "inputIndex": number, "type": "BIGINT"}


def number(value: int, of: str = "INT NOT NULL") -> Node:
    return {"kind": "LITERAL", "value": value, "type": of}


def call(name: str, *operands: Node, of: str = "BOOLEAN") -> Node:
    return {"kind": "CALL", "internalName": f"${name}$1", "operands": [*operands], "type": of}


def row(*names: str) -> str:
    return f"ROW<{', '.join(f'`{n}` BIGINT' for n in names)}>"


class Small:
    """A plan that is put together node by node; each method gives the new node's id."""

    def __init__(self, **facts: Any) -> None:
        self.nodes: list[Node] = []
        self.edges: list[dict[str, int]] = []
        self.facts = {**FACTS, **facts}

    @property
    def plan(self) -> Plan:
        return {"nodes": self.nodes, "edges": self.edges, "sources": {"t": self.facts}}

    def source(self) -> int:
        table = {"table": {"identifier": f"{TABLE}`t`"}}
        return self._add("table-source-scan", [], row("a", "b"), scanTableSource=table)

    def calc(self, of: int, projection: Mapping[str, Node], condition: Node | None = None) -> int:
        told = {"projection": [*projection.values()], "condition": condition}
        return self._add("calc", [of], row(*projection), **told)

    def union(self, *of: int) -> int:
        return self._add("union", of, self.nodes[of[0] - 1]["outputType"])

    def sums(self, of: int, column: int, key: int = 0, **told: Any) -> int:
        """The sum of one column by another."""
        sum_ = {"name": "s", "internalName": "$SUM$1", "argList": [column], "filterArg": -1, "type": "BIGINT"}
        return self._add(
            "group-aggregate", [of], row("k", "s"), **{"grouping": [key], "aggCalls": [sum_], **told}
        )

    def windows(self, of: int) -> int:
        """The rows with the window that they fall in."""
        names = [n.split("`")[1] for n in self.nodes[of - 1]["outputType"][4:-1].split(", ")]
        return self._add("window-table-function", [of], row(*names, "window_start", "window_end"))

    def match(self, of: int, measures: Mapping[str, Node], **told: Any) -> int:
        spec = {"measures": measures, "partition": {"fields": [0]}, **told}
        return self._add("match", [of], row("k", *measures), matchSpec=spec)

    def sink(self, of: int, table: str = "out") -> int:
        told = {"table": {"identifier": f"{TABLE}`{table}`"}}
        return self._add("sink", [of], self.nodes[of - 1]["outputType"], dynamicTableSink=told)

    def _add(self, kind: str, of: Sequence[int], output: str, **told: Any) -> int:
        id_ = len(self.nodes) + 1
        self.nodes.append({"id": id_, "type": f"stream-exec-{kind}_1", "outputType": output, **told})
        self.edges += [{"source": source, "target": id_} for source in of]
        return id_
