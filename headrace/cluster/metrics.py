"""How a running job does, from Flink's metrics: told by the workers, seconds late, or not at all."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from headrace.cluster.flink import detail
from headrace.cluster.rest import ask

_NOT_YET, _AT_THE_END = -(1 << 63), (1 << 63) - 1
"""Flink's watermarks before the first record and behind the last one."""


def restarts(rest: str, job: str) -> int:
    """How often it was restarted since this submission began."""
    found: list[dict[str, Any]] = ask(rest, f"/jobs/{job}/metrics?get=numRestarts")
    return int(found[0]["value"]) if found else 0


def lag(rest: str, job: str) -> int | None:
    """Records that Kafka holds and the sources have not read; None while no source has said so."""
    found = [
        pending
        for vertex in detail(rest, job).vertices
        if (pending := metric(rest, job, vertex.id, "pendingRecords", "sum")) is not None
    ]
    return int(sum(found)) if found else None


def watermark(rest: str, job: str) -> datetime | None:
    """How far event time has come: the least that any operator was told; None where none was, or not yet."""
    told = [
        int(m["value"])
        for vertex in detail(rest, job).vertices
        for m in ask(rest, f"/jobs/{job}/vertices/{vertex.id}/watermarks")
    ]
    if not told or min(told) in (_NOT_YET, _AT_THE_END):
        return None
    return datetime.fromtimestamp(min(told) / 1000, timezone.utc)


def metric(rest: str, job: str, vertex: str, name: str, aggregate: str) -> float | None:
    """A metric of a vertex's operators over all subtasks; None if no operator has it.

    Args:
        rest: the endpoint.
        job: the job's id.
        vertex: the vertex's id.
        name: the metric's own name, behind the operator's.
        aggregate: ``sum``, ``min``, ``max`` or ``avg``; several operators are summed up or compared alike.
    """
    base = f"/jobs/{job}/vertices/{vertex}/subtasks/metrics"
    # Without an operator's name before it, it is the task's own, and would be counted twice.
    ids = [m["id"] for m in ask(rest, base) if m["id"].rpartition(".")[1:] == (".", name)]
    if not ids:
        return None
    values = [float(m[aggregate]) for m in ask(rest, f"{base}?get={','.join(ids)}&agg={aggregate}")]
    return {"min": min, "max": max}.get(aggregate, sum)(values) if values else None
