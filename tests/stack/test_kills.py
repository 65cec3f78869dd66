"""Processes killed under load, by handshake: after a completed checkpoint, while records flow."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.stack.road import Road, every
from tests.stack.runbook import steps
from tests.stack.waiting import until

PORTION, AFTER = 1000, 10
"""Records, and how many more portions are sent after the block."""


@contextmanager
def flood(road: Road) -> Iterator[Future[int]]:
    """Send small portions of records during the block and shortly after; the future holds how many."""
    ended = threading.Event()

    def send() -> int:
        sent = after = 0
        while after < AFTER:
            sent += road.produce(range(sent, sent + PORTION), broken_every=97)
            after += ended.is_set()
        return sent

    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(send)
        finally:
            ended.set()


def flowing(road: Road, job: str) -> None:
    """Wait for a completed checkpoint, and for rows in the table after it."""
    until("a completed checkpoint", lambda: road.checkpoints(job)["counts"]["completed"] > 0)
    road.publish_until(1)


def require_whole(road: Road, sent: int) -> None:
    """Each record that was sent is in a table, once."""
    road.publish_until(sent)
    assert road.homes() == every({0: sent // 2, 1: sent // 2})


def test_a_killed_taskmanager_neither_loses_nor_duplicates_records(road: Road) -> None:
    job = road.submit()
    with flood(road) as sending:
        flowing(road, job)
        restarts = road.checkpoints(job)["counts"]["restored"]
        road.stack.kill_taskmanager()
    road.stack.heal()
    until("the job to be restored", lambda: road.checkpoints(job)["counts"]["restored"] > restarts)
    require_whole(road, sending.result())
    road.headrace("verify", "events")


@pytest.mark.usefixtures("by_client")
def test_a_killed_jobmanager_and_a_new_submission_read_nothing_twice(road: Road) -> None:
    job = road.submit()
    with flood(road) as sending:
        flowing(road, job)
        road.stack.kill_jobmanager()
    road.stack.start_jobmanager()
    run, *looking = steps("the-cluster-is-gone", 0, {"flights": road.job})
    road.headrace(*run)
    require_whole(road, sending.result())
    assert [c.restored_from is not None for c in road.ledger.claims()] == [False, True]
    for step in looking:
        road.headrace(*step)
