"""What a compiled plan remembers: the project's own locks, and plans with one operator changed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.contract.load import load
from headrace.contract.model import Contract
from headrace.errors import JobError
from headrace.table.state import refuse_unbounded, retained_state

ROOT = Path(__file__).parents[2]
CONTRACT = load(ROOT / "contracts" / "departures_hourly.odcs.yaml")


def plan(job: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "jobs" / f"{job}.lock.json").read_text())["plan"]
    return found


def one(kind: str, **more: Any) -> dict[str, Any]:
    return {"nodes": [{"id": 7, "type": f"stream-exec-{kind}_1", "description": "", **more}], "edges": []}


@pytest.mark.parametrize(
    ("job", "operators"),
    [
        ("flights", []),
        ("departures_hourly", ["over-aggregate", "group-window-aggregate"]),
        ("flights_enriched", ["over-aggregate", "temporal-join", "temporal-join"]),
        ("aircraft_rotation", ["over-aggregate", "match"]),
        ("flights_deduplicated", ["over-aggregate", "over-aggregate"]),
    ],
)
def test_every_job_of_the_project_is_bounded(job: str, operators: list[str]) -> None:
    states = retained_state(plan(job), CONTRACT)
    assert [k.operator for k in states] == operators
    assert all(k.until for k in states)


ENDLESS = {
    "a join": one("join", state=[{"index": 0, "ttl": "0 ms", "name": "leftState"}]),
    "an aggregate": one(
        "group-aggregate", state=[{"index": 0, "ttl": "0 ms", "name": "groupAggregateState"}]
    ),
    "one side of two": one("join", state=[{"ttl": "1000 ms"}, {"ttl": "0 ms"}]),
    "a pattern without WITHIN": one("match", matchSpec={"pattern": {}}),
    "an OVER window over all": one(
        "over-aggregate",
        overSpec={"groups": [{"isRows": False, "lowerBound": {"kind": "UNBOUNDED_PRECEDING"}}]},
    ),
    "what is not known": one("something-new"),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_endless_state_needs_an_end_or_a_reason(case: str) -> None:
    with pytest.raises(JobError, match=r"state that is never removed: [a-z-]+ \(7\)") as refused:
        refuse_unbounded(ENDLESS[case], CONTRACT)
    assert "unboundedState" in refused.value.remedy

    refuse_unbounded(ENDLESS[case], replace(CONTRACT, unbounded_state="few keys, for ever"))


def messages(case: dict[str, Any], contract: Contract = CONTRACT) -> list[str]:
    return [k.until for k in retained_state(case, contract)]


def test_a_time_to_live_is_an_end() -> None:
    ttl = one("group-aggregate", state=[{"index": 0, "ttl": "3600000 ms", "name": "x"}])
    assert messages(ttl) == ["3600000 ms unused"]
    assert messages(one("rank"), replace(CONTRACT, state_ttl=timedelta(days=2))) == ["2 days, 0:00:00 unused"]
