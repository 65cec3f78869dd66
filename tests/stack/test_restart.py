"""The way out when a job's state is gone: it reads on from the frontier and continues the chain."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.stack.road import BY_HAND, Road, every

MakeRoad = Callable[..., Road]


@pytest.mark.usefixtures("by_client")
def test_a_job_whose_checkpoints_are_lost_reads_on_from_the_frontier(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    road.produce(range(1000), broken_every=100)
    first = road.submit()
    road.settle(first, claim=1)
    head = road.publish().head
    road.produce(range(1000, 1500))
    road.settle(first, claim=1)
    road.cancel(first)
    _lose_checkpoints(road)
    refused = road.headrace("run", "events", expect=3)
    assert "headrace branch restart events" in refused

    answer = json.loads(road.headrace("branch", "restart", "events", "--why", "the bucket", "-o", "json"))
    assert answer["frontier"] == {"0": 500, "1": 500}
    assert json.loads(road.headrace("status", "events", "-o", "json"))["restart_due"]
    again = road.submit()
    road.settle(again, claim=2)
    after = road.publish_until(1500)
    assert road.homes() == every({0: 750, 1: 750}), "what was staged and not published is read once more"
    assert after.checkpoint > head.checkpoint, "numbers grow along the branch"

    road.headrace("stop", "events")
    road.produce(range(1500, 2000))
    road.headrace("run", "events")
    assert "is already running" in road.headrace("run", "events", expect=2)
    assert road.ledger.claims()[-1].restored_from is not None, "from its own savepoint, as ever"
    road.settle(_live(road), claim=3)
    road.publish_until(2000)
    assert road.homes() == every({0: 1000, 1: 1000})
    road.headrace("verify", "events")
    assert json.loads(road.headrace("status", "events", "-o", "json"))["forks"] == []

    road.headrace("stop", "events")
    _lose_checkpoints(road)
    assert "headrace branch restart events" in road.headrace("run", "events", expect=3), (
        "a restart decision applies once"
    )
    assert "no restart is due" in road.headrace(
        "branch", "restart", "events", "--undo", "--why", "late", expect=2
    )


def _lose_checkpoints(road: Road) -> None:
    for key in list(road.warehouse.keys("_flink/")):
        road.warehouse.delete(key)


def _live(road: Road) -> str:
    jobs = road.rest("/jobs/overview")["jobs"]
    return str(next(j["jid"] for j in jobs if j["name"] == "events" and j["state"] == "RUNNING"))
