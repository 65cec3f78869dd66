"""The metrics of a running job over Flink's REST endpoint: seconds old, or not reported at all."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from headrace.cluster.model import Split, Vertex
from headrace.cluster.rest import POLL_S, ask
from headrace.contract.sql import instant

_SPLIT = re.compile(
    r"\.split\.(.+)\.watermark\.(currentWatermark|idleTimeMsPerSecond|pausedTimeMsPerSecond)$"
)
_MOSTLY_MS = 500
_NOT_YET, _AT_THE_END = -(1 << 63), (1 << 63) - 1
"""Flink's watermarks before the first and after the last record."""

_FRESH_WITHIN_S = 5.0
"""Flink fetches at most every 10 s, or as configured; workers answer within a fraction of a second."""


def refresh(rest: str) -> bool:
    """Make Flink fetch its workers' metrics; False if none answered within 5 s.

    Flink fetches only when a client reads metrics, and gives that client the old values: none, or hours old.
    """
    # A metric that only grows shows that a worker was asked.
    look = "/taskmanagers/metrics?get=Status.JVM.CPU.Time&agg=sum"
    before, deadline = ask(rest, look), time.monotonic() + _FRESH_WITHIN_S
    while ask(rest, look) == before:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def restarts(rest: str, job: str) -> int:
    """How often it was restarted since its submission."""
    metrics: list[dict[str, Any]] = ask(rest, f"/jobs/{job}/metrics?get=numRestarts")
    return int(metrics[0]["value"]) if metrics else 0


def unread(rest: str, job: str, vertices: Sequence[Vertex]) -> int | None:
    """Offsets that the sources have not read, including transaction markers; None if no source reports it."""
    values = [
        pending
        for vertex in vertices
        if (pending := metric(rest, job, vertex.id, "pendingRecords", "sum")) is not None
    ]
    return int(sum(values)) if values else None


def splits(rest: str, job: str, vertices: Sequence[Vertex]) -> list[Split]:
    """Every partition that the job reads, the one that holds back event time first."""
    by_split: dict[str, dict[str, int]] = {}
    for vertex in vertices:
        base = f"/jobs/{job}/vertices/{vertex.id}/metrics"
        ids = {m["id"]: match for m in ask(rest, base) if (match := _SPLIT.search(m["id"]))}
        values = ask(rest, f"{base}?get={','.join(map(quote, ids))}") if ids else []
        for m in values:
            by_split.setdefault(ids[m["id"]][1], {})[ids[m["id"]][2]] = int(m["value"])
    splits = [
        Split(
            name,
            _moment(s.get("currentWatermark", _NOT_YET)),
            idle=s.get("idleTimeMsPerSecond", 0) > _MOSTLY_MS,
            paused=s.get("pausedTimeMsPerSecond", 0) > _MOSTLY_MS,
        )
        for name, s in by_split.items()
    ]
    never = datetime.min.replace(tzinfo=timezone.utc)
    return sorted(splits, key=lambda s: (s.idle, s.watermark or never, s.name))


def _moment(watermark: int) -> datetime | None:
    if watermark in (_NOT_YET, _AT_THE_END):
        return None
    return instant(watermark)


def metric(rest: str, job: str, vertex: str, name: str, aggregate: str) -> float | None:
    """A metric of a vertex's operators over all subtasks; None if no operator has it.

    Args:
        rest: the endpoint.
        job: the job's id.
        vertex: the vertex's id.
        name: the metric's own name, without the operator's.
        aggregate: ``sum``, ``min``, ``max`` or ``avg``; several operators are combined in the same way.
    """
    base = f"/jobs/{job}/vertices/{vertex}/subtasks/metrics"
    # Without an operator's name as prefix, it is the task's own metric, and would be counted twice.
    ids = [m["id"] for m in ask(rest, base) if m["id"].rpartition(".")[1:] == (".", name)]
    if not ids:
        return None
    values = [
        float(m[aggregate]) for m in ask(rest, f"{base}?get={','.join(map(quote, ids))}&agg={aggregate}")
    ]
    return {"min": min, "max": max}.get(aggregate, sum)(values) if values else None
