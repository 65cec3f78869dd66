"""Which state each operator of a compiled plan keeps, and for how long: read from the plan, not from SQL.

Most state is bounded by event time: a window, an interval, a pattern with WITHIN. All other state must be
bounded by a time to live or by the number of keys of a versioned table, or have a reason in the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from headrace.contract.model import Contract
from headrace.errors import JobError

STATELESS = {
    "calc", "python-calc", "correlate", "python-correlate", "exchange", "table-source-scan", "union",
    "values", "watermark-assigner", "drop-update-before", "expand", "local-window-aggregate",
}  # fmt: skip
"""Flink's own names of operators, in plans of Flink 2.3."""
BY_EVENT_TIME = {
    "group-window-aggregate", "window-aggregate", "global-window-aggregate", "window-join", "window-rank",
    "window-deduplicate", "window-table-function", "interval-join", "temporal-sort",
}  # fmt: skip
VERSIONED = "temporal-join"
PER_PARTITION = "OverAggregate(partitionBy=[_partition], orderBy=[_arrival ASC]"
"""What :func:`headrace.table.event_time.judged_view` becomes."""


@dataclass(frozen=True)
class RetainedState:
    """The state of one operator."""

    id: int
    operator: str
    until: str
    """For people; empty: forever."""


def retained_state(plan: Mapping[str, Any], contract: Contract) -> list[RetainedState]:
    """The state of each operator that has some, in the order of the plan."""
    return [
        RetainedState(node["id"], kind_of(node), _until(node, contract.state_ttl))
        for node in plan["nodes"]
        if kind_of(node) not in STATELESS and not (kind_of(node) == "sink" and "state" not in node)
    ]


def refuse_unbounded(plan: Mapping[str, Any], contract: Contract) -> None:
    """Refuse state that is never removed, unless the contract says why that is right.

    Raises:
        JobError: names the operators.
    """
    endless = [k for k in retained_state(plan, contract) if not k.until]
    if endless and not contract.unbounded_state:
        named = ", ".join(f"{k.operator} ({k.id})" for k in endless)
        raise JobError(
            f"state that is never removed: {named}",
            where=f"jobs/{contract.id}.lock.json",
            remedy="use a window, an interval or WITHIN; or give contract"
            f" {contract.id} a stateTtl; or explain in its unboundedState why it may grow",
            operators=[k.id for k in endless],
        )


def kind_of(node: Mapping[str, Any]) -> str:
    """``stream-exec-over-aggregate_1`` → ``over-aggregate``."""
    return str(node["type"]).removeprefix("stream-exec-").rpartition("_")[0]


def _until(node: dict[str, Any], ttl: timedelta | None) -> str:
    kind = kind_of(node)
    if _by_event_time(kind, node):
        return "event time"
    if PER_PARTITION in str(node.get("description")):
        return "one time for each partition of the topic"
    if kind == VERSIONED:
        return "event time; of versions, the newest of each key"
    if own := {str(s["ttl"]) for s in node.get("state", [])}:
        return "" if "0 ms" in own else f"{', '.join(sorted(own))} unused"
    return f"{ttl} unused" if ttl else ""


def _by_event_time(kind: str, node: dict[str, Any]) -> bool:
    """Whether event time removes the operator's state."""
    within = kind == "match" and node["matchSpec"].get("interval")
    return kind in BY_EVENT_TIME or bool(within) or _ranged(node)


def _ranged(node: dict[str, Any]) -> bool:
    """Whether it is an OVER window over a bounded range of event time."""
    groups = node.get("overSpec", {}).get("groups", [])
    return bool(groups) and all(
        not g["isRows"] and g["lowerBound"]["kind"] == "BOUNDED_WINDOW" for g in groups
    )
