"""Forks and claims: whatever is restored without headrace, the published tables stay right (G3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from headrace.errors import DecisionNeeded
from tests.stack.road import BY_HAND, Road, every
from tests.stack.waiting import until

MakeRoad = Callable[..., Road]


def branches(road: Road) -> dict[int, dict[str, Any]]:
    return {b["claim"]: b for b in json.loads(road.headrace("branch", "ls", "events", "-o", "json"))}


@pytest.mark.usefixtures("by_client")
def test_a_manual_restore_of_an_older_savepoint_is_a_fork_and_never_published(make_road: MakeRoad) -> None:
    road = make_road(options=BY_HAND)
    road.produce(range(1000))
    live = road.submit()
    road.settle(live, claim=1)
    saved = road.savepoint(live)
    road.produce(range(1000, 2000))
    road.settle(live, claim=1)
    head = road.publish_until(2000)
    road.checkpoint(live)
    for output in ("events", "events__quarantine"):
        until(
            "the checkpoint to be committed",
            lambda o=output: any(m.checkpoint > head.checkpoint for m in road.staged(o).values()),
        )
    road.cancel(live)

    forked = road.flink_run("-s", saved)
    road.settle(forked, claim=2)
    with pytest.raises(DecisionNeeded, match="forked") as refused:
        road.publish()
    assert road.homes() == every({0: 1000, 1: 1000}), "the tables are untouched"
    assert road.ledger.head() == head

    claims = branches(road)
    assert (claims[1]["state"], claims[2]["state"]) == ("ahead", "fork"), "the good branch is not a fork"
    point = claims[2]["forks_at"]["events"]
    assert refused.value.facts["fork_point"] in set(claims[2]["forks_at"].values())
    assert road.ledger.published("events", point) is not None, "the fork point is a published manifest"
    assert json.loads(road.headrace("status", "events", "-o", "json"))["forks"][0]["claim"] == 2

    road.cancel(forked)
    message = road.headrace("run", "events", expect=3)
    assert "headrace branch set-aside events 2" in message, "a start does not continue from a fork"
    road.headrace("branch", "set-aside", "events", "2", "--why", "wrong savepoint")
    assert branches(road)[2]["state"] == "set aside"
    assert road.publish().batches == 0
    road.headrace("branch", "set-aside", "events", "2", "--undo", "--why", "look again")
    with pytest.raises(DecisionNeeded):
        road.publish()
    road.headrace("branch", "set-aside", "events", "2", "--why", "it was wrong indeed")

    road.produce(range(2000, 3000))
    again = road.submit()
    road.settle(again, claim=3)
    road.publish_until(3000)
    assert road.homes() == every({0: 1500, 1: 1500}), "the branch continues as if nothing had happened"


def test_two_live_submissions_of_one_job_publish_each_record_once(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    road.produce(range(1000))
    first = road.submit()
    road.settle(first, claim=1)
    road.publish_until(1000)
    second = road.submit()  # resumes from the first one's checkpoint while that one lives on
    road.produce(range(1000, 2000))
    road.settle(first, claim=1)
    road.settle(second, claim=2)
    road.publish_until(2000)
    assert road.homes() == every({0: 1000, 1: 1000})
    claims = branches(road)
    assert (claims[1]["state"], claims[2]["followed"]) == ("fork", True)
    assert claims[1]["forks_at"]["events"], "the fork point is named"

    road.produce(range(2000, 2500))
    road.settle(first, claim=1)
    road.settle(second, claim=2)
    road.publish_until(2500)
    assert road.homes() == every({0: 1250, 1: 1250})
