"""A compiled plan as Flink writes it, and the two things that headrace adds to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from headrace.ledger.records.plan import Plan
from headrace.table.state import STATELESS, kind_of

Node = dict[str, Any]

FUNCTIONS = "functions"
"""Added by headrace: the code of each Python function. Flink's plan has its name only."""
SOURCES = "sources"
"""Added by headrace: by table, what decides which rows come from a topic. Flink's plan has its name only."""
PROMISES = "promises"
"""Added by headrace: by table, what its contract promises of a row, in the contract's words. They decide
nothing: the plan has them as one long expression."""

ADDED = (FUNCTIONS, SOURCES, PROMISES)
"""Flink does not know these."""


def digest(*parts: Any) -> str:
    """Of values that JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def inputs(plan: Plan) -> dict[int, list[int]]:
    """Node → the nodes whose rows it reads, in its own order."""
    found: dict[int, list[int]] = {n["id"]: [] for n in plan["nodes"]}
    for edge in plan["edges"]:
        found[edge["target"]].append(edge["source"])
    return found


def is_stateful(node: Node) -> bool:
    """Whether Flink keeps state for it: sources keep positions, sinks what is to be committed."""
    return kind_of(node) not in STATELESS or kind_of(node) == "table-source-scan"


def keeps_rows_as_sink(node: Node) -> bool:
    """Whether a sink holds rows of its own, to put an update in its place."""
    return bool(node.get("state") or node.get("requireUpsertMaterialize"))


def table_of(node: Node) -> str:
    """The table that a source reads or a sink writes."""
    place = node.get("dynamicTableSink") or node["scanTableSource"]
    return str(place["table"]["identifier"]).rpartition(".")[2].strip("`")


def with_code(value: Any, code: Mapping[str, str]) -> Any:
    """A node with the code of each Python function in the place of the name that the job gave it."""
    if isinstance(value, dict):
        coded = {k: with_code(v, code) for k, v in value.items()}
        name = str(value.get("catalogName", "")).rpartition(".")[2].strip("`")
        return {**coded, "catalogName": code[name], "called": name} if name in code else coded
    return [with_code(v, code) for v in value] if isinstance(value, list) else value


def fields(row: Any) -> list[tuple[str, str]]:
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
