"""What `headrace status` has to show, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rich.console import RenderableType

from headrace.cli.pages import status
from headrace.cluster.kafka import Lag
from headrace.cluster.model import Split
from headrace.ledger.head import Head
from headrace.ledger.survey import ClaimStatus
from headrace.offsets import Span
from headrace.operate.status import EventTime, FlinkJobStatus, Status
from headrace.publish import refusals
from headrace.publish.forecast import Forecast
from headrace.publish.tail import StagedTail
from headrace.publish.topics import TopicChange
from tests.cli.shown_branches import TIME, claimed, fork, sealed

RUNNING = FlinkJobStatus(id="4b1f", state="RUNNING", since=TIME)
STAGED = StagedTail(3, (4, 7), 600, (Span(0, 200, 499), Span(1, 200, 499)), 7)
RECREATED = TopicChange("flights", "flights", "mR3d_5QTQ0yN", "pX7c_1ABQ9zK")
GONE = Forecast(deleted=(Span(1, 112_258, 112_999),))


def _followed(state: str, number: int = 1, files: int = 0) -> ClaimStatus:
    manifests = [sealed(13, files)] if files else []
    return replace(claimed(number, state, {}, None, *manifests), followed=True)


FIRST_RUN = Status(
    job="flights",
    derived=False,
    flink_jobs=(RUNNING,),
    lag=Lag({0: 112_259, 1: 112_258, 2: 112_259}, None),
    branches=(_followed("waiting"),),
)


def _shown(**changes: Any) -> RenderableType:
    return status.page(replace(FIRST_RUN, **changes))


def _ahead() -> RenderableType:
    rows = {"flights__quarantine": 208, "flights": 336_776}
    return _shown(
        flink_jobs=(replace(RUNNING, last_checkpoint=TIME, restarts=2, failure="boom"),),
        head=Head(
            batch=12,
            rows=rows,
            written=rows,
            versions=dict.fromkeys(rows, 12),
            frontier={0: 112_259, 1: 112_258, 2: 112_467},
        ),
        lag=Lag({0: 0, 1: 1200, 2: 3}, 1_200),
        branches=(fork(), _followed("ahead", 3, files=14)),
        open_batch=13,
        replays={2: "begun"},
        restart_due=True,
        accepted_losses=(Span(0, 100, 200),),
    )


def _recreated(**changes: Any) -> RenderableType:
    ahead = (_followed("ahead", files=2),)
    return _shown(lag=Lag({}, None), branches=ahead, topics_changed=(RECREATED,), **changes)


def _foreseen(foreseen: Forecast, files: int = 0) -> RenderableType:
    return _shown(head=_head(12, 200), branches=(_followed("ahead", files=files),), foreseen=foreseen)


def _head(batch: int, rows: int) -> Head:
    return Head(batch=batch, versions={"flights": batch}, rows={"flights": rows}, written={"flights": rows})


def _derived() -> RenderableType:
    partitions = (
        Split("flights-1", TIME, idle=False, paused=False),
        Split("flights-0", None, idle=True, paused=False),
        Split("weather-0", TIME, idle=False, paused=True),
    )
    running = replace(
        RUNNING,
        last_checkpoint=TIME,
        state_bytes=12_340_000,
        event_time=EventTime(TIME, 1200, partitions),
    )
    head = Head(
        batch=4,
        versions={"departures_hourly__late": 4, "departures_hourly": 4},
        rows={"departures_hourly__late": 41, "departures_hourly": 19_486},
        written={"departures_hourly__late": 41, "departures_hourly": 24_001},
    )
    return _shown(
        job="departures_hourly",
        derived=True,
        flink_jobs=(running,),
        head=head,
        branches=(_followed("head"),),
    )


SCREENS: dict[str, Callable[[], RenderableType]] = {
    "status, never started": lambda: _shown(flink_jobs=(), branches=()),
    "status, first run": _shown,
    "status, all there is": _ahead,
    "status, another topic": lambda: _shown(lag=Lag({}, None), topics_changed=(RECREATED,)),
    "status, another topic and staged files": _recreated,
    "status, another topic and an accepted tail": lambda: _recreated(accepted_tails=(197,)),
    "status, all is published": lambda: _shown(
        head=_head(1, 1), lag=Lag({0: 1}, 1), branches=(_followed("ahead"),)
    ),
    "status, deleted by Kafka": lambda: _foreseen(GONE),
    "status, deleted by Kafka and many files": lambda: _foreseen(replace(GONE, unread=9_000), files=9_000),
    "status, staged beyond the topic's end": lambda: _foreseen(
        Forecast((refusals.beyond_end("flights", "flights", [Span(0, 230, 499)], STAGED),)), files=14
    ),
    "status, set aside": lambda: _shown(branches=(claimed(1, "set aside", {}, None),)),
    "status of a derive job": _derived,
}
