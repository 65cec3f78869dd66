"""Processes killed under load, by handshake: after a completed checkpoint, while records flow."""

from __future__ import annotations

import threading

import pytest
from road import Road, every
from runbook import steps
from waiting import until


def flood(road: Road, total: int) -> threading.Thread:
    """Records in small portions, so that they flow while something is killed."""

    def send() -> None:
        for at in range(0, total, 1000):
            road.produce(range(at, at + 1000), broken_every=97)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def flowing(road: Road, job: str) -> None:
    """A checkpoint is complete, and rows reached the table behind it, with more to come."""
    until("a completed checkpoint", lambda: road.checkpoints(job)["counts"]["completed"] > 0)
    road.publish_until(1)


def test_a_killed_taskmanager_loses_and_doubles_nothing(road: Road) -> None:
    job = road.submit()
    sending = flood(road, 40_000)
    flowing(road, job)
    restarts = road.checkpoints(job)["counts"]["restored"]
    road.stack.kill_taskmanager()
    road.stack.heal()
    until("the job to be restored", lambda: road.checkpoints(job)["counts"]["restored"] > restarts)
    sending.join()
    road.publish_until(40_000)
    assert road.homes() == every({0: 20_000, 1: 20_000})
    road.headrace("verify", "events")


@pytest.mark.usefixtures("by_client")
def test_a_killed_jobmanager_and_a_new_submission_read_nothing_twice(road: Road) -> None:
    job = road.submit()
    sending = flood(road, 40_000)
    flowing(road, job)
    road.stack.kill_jobmanager()
    road.stack.start_jobmanager()
    run, *looking = steps("the-cluster-is-gone", 0, {"flights": road.job})
    road.headrace(*run)
    sending.join()
    road.publish_until(40_000)
    assert road.homes() == every({0: 20_000, 1: 20_000})
    assert [c.restored_from is not None for c in road.ledger.claims()] == [False, True]
    for step in looking:
        road.headrace(*step)
