"""`run` returns when a job is ready, or names what prevents it; `status --wait` reports the same."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from headrace.cluster import Job
from headrace.cluster.ready import Unready, await_ready
from tests.stack.road import BY_HAND, Road
from tests.stack_fixtures import Stack

MakeRoad = Callable[..., Road]
pytestmark = pytest.mark.usefixtures("by_client")
SOON = ("--timeout", "4")


def _slots(road: Road) -> int:
    return road.workspace().cluster.slots().total


def _newest(road: Road) -> Job:
    return road.workspace().cluster.jobs()[0]


def test_a_job_that_run_has_started_can_be_published_and_stopped_at_once(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    road.produce(range(100))

    answer = json.loads(road.headrace("run", "events", "-o", "json"))

    assert answer["state"] == "RUNNING"
    at = road.workspace().cluster.checkpoints(answer["flink_job"])
    assert at.last is not None
    assert answer["checkpoint"] == at.last.id
    assert any(m.claim == 1 for m in road.staged().values()), "the checkpoint's manifest is there"
    road.headrace("status", "events", "--wait")
    assert "savepoint-" in road.headrace("stop", "events")


def test_missing_slots_are_counted(make_road: MakeRoad) -> None:
    free = _slots(first := make_road(parallelism=1, options=BY_HAND))
    first.headrace("run", "events")
    wide = make_road(job="events_by_hour", parallelism=free, options=BY_HAND)

    output = wide.headrace("run", "events_by_hour", *SOON, expect=1)

    cause = f"not enough free slots: it needs {free}, and {free - 1} of {free} are free (events holds 1)"
    assert f"job events_by_hour did not become ready within 4 s: {cause}; the job and claim 1 stay" in output
    for setting in (
        "HEADRACE__STACK__SLOTS",
        "taskmanager.numberOfTaskSlots",
        "HEADRACE__FLINK__PARALLELISM",
    ):
        assert setting in output
    assert cause in wide.headrace("status", "events_by_hour", "--wait", *SOON, expect=1)
    assert not _newest(wide).ended
    assert wide.ledger.decisions() == []

    output = wide.headrace("stop", "events_by_hour")

    assert f"it never ran, so there is no savepoint ({cause})" in output
    assert "it is CANCELED, and claim 1, which staged nothing, is set aside" in output
    assert _newest(wide).state == "CANCELED"
    assert first.headrace("stop", "events").count("savepoint-") == 1
    assert "does not run" in wide.headrace("stop", "events_by_hour", expect=2)


def test_a_missing_taskmanager_is_named(make_road: MakeRoad, stack: Stack) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    stack.stop_taskmanager()

    output = road.headrace("run", "events", *SOON, "--cancel-on-timeout", expect=1)

    assert "no TaskManager is registered" in output
    assert "it is CANCELED, and claim 1, which staged nothing, is set aside" in output
    assert _newest(road).state == "CANCELED"
    assert [(d.action, d.claim) for d in road.ledger.decisions()] == [("set-aside", 1)]
    missing = road.headrace("status", "events", "--wait", *SOON, expect=1)
    assert "nothing submitted it" in missing
    stack.start_taskmanager()
    road.headrace("run", "events")
    assert "waiting" not in road.headrace("publish", "events")


def test_an_incomplete_checkpoint_is_named(make_road: MakeRoad, stack: Stack) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    job = road.submit()
    road.checkpoint(job)  # what Flink takes at the start is over: the next one waits for the first task
    stack.pause_taskmanager()

    at = await_ready(road.workspace().cluster, job, 4)

    stack.resume_taskmanager()
    assert isinstance(at, Unready)
    assert at.cause == "checkpoint"
    assert "no checkpoint is complete" in at.what
    assert "; it waits for Source: " in at.what
