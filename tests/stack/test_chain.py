"""The staged sink on a real cluster: what a checkpoint holds is in one chain, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headrace.ledger.manifests import chain
from headrace.savepoint.metadata import positions
from tests.stack.road import BY_HAND, Road, every
from tests.stack.waiting import until

MakeRoad = Callable[..., Road]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_every_record_of_a_topic_is_published_once(make_road: MakeRoad, parallelism: int) -> None:
    road = make_road(parallelism=parallelism)
    road.produce(range(4000), broken_every=100)
    job = road.submit()
    road.publish_until(4000)
    road.stop(job)
    road.publish()
    assert road.homes() == every({0: 2000, 1: 2000})
    assert len(road.rows("events__quarantine")) == 40


def test_a_restore_from_the_newest_checkpoint_continues_the_chain(make_road: MakeRoad) -> None:
    road = make_road(options=BY_HAND)
    road.produce(range(1000))
    first = road.submit()
    road.settle(first, claim=1)
    road.cancel(first)
    before = {o: set(road.staged(o)) for o in ("events", "events__quarantine")}
    road.produce(range(1000, 2000))
    second = road.submit()
    road.settle(second, claim=2)
    for output, old in before.items():
        fresh = [m for m in road.staged(output).values() if m.id not in old]
        follows = [m.parent for m in fresh if m.parent in old]
        assert follows == [max(old)], "the new submission's first manifest follows the newest old one"
    road.publish_until(2000)
    assert road.homes() == every({0: 1000, 1: 1000})


def test_stop_with_savepoint_while_rows_flow_loses_none(road: Road) -> None:
    road.produce(range(20_000))
    job = road.submit()
    road.stop(job)
    road.produce(range(20_000, 22_000))
    job = road.submit()
    road.publish_until(22_000)
    assert road.homes() == every({0: 11_000, 1: 11_000})


def test_a_bounded_source_with_an_idle_subtask_publishes_all(make_road: MakeRoad) -> None:
    road = make_road()
    road.produce(range(3000), partition=0)
    job = road.flink_run(module="jobs.events_bounded")
    road.ended(job, "FINISHED")
    road.publish_until(3000)
    assert road.homes() == every({0: 3000})
    staged = road.staged()
    assert not staged, "nothing is left staged"


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1)])
def test_rescaling_keeps_the_chain(make_road: MakeRoad, before: int, after: int) -> None:
    road = make_road(parallelism=before, partitions=3)
    road.produce(range(3000))
    road.stop(road.submit())
    road.parallelism = after
    road.produce(range(3000, 6000))
    job = road.submit()
    road.publish_until(6000)
    assert road.homes() == every({0: 2000, 1: 2000, 2: 2000})
    assert {b["state"] for b in _branches(road)} <= {"head", "ahead", "left behind"}
    road.cancel(job)


def test_a_restore_makes_up_for_a_missed_commit_notification(make_road: MakeRoad) -> None:
    # A savepoint beside a running job completes without a notification: nothing of it is committed. The
    # TaskManager then dies, and a job that restores the savepoint must commit what it holds.
    road = make_road(options=BY_HAND)
    road.produce(range(1000))
    job = road.submit()
    before = set(until("the checkpoint that Flink takes at the start to be committed", road.staged))
    # Sent only now: that first checkpoint may hold everything there is, and then the savepoint has no rows.
    road.produce(range(1000, 2000))
    saved = until("a savepoint after all records", lambda: _saved_after(road, job, {0: 1000, 1: 1000}))
    assert set(road.staged()) == before, "a savepoint alone commits nothing"
    road.stack.kill_taskmanager()
    road.cancel(job)
    road.stack.heal()
    again = road.submit(saved)
    until(
        "the restore itself to commit the savepoint's manifest",
        lambda: any(m.files for i, m in road.staged().items() if i not in before),
    )
    road.checkpoint(again)
    road.publish_until(2000)
    assert road.homes() == every({0: 1000, 1: 1000})


def test_an_aborted_checkpoint_with_some_subtasks_past_the_barrier_loses_nothing(make_road: MakeRoad) -> None:
    road = make_road(
        parallelism=8,
        partitions=8,
        options={"execution.checkpointing.interval": "1 s", "execution.checkpointing.timeout": "3 s"},
    )
    road.stack.start_taskmanager(2)
    try:
        road.produce(range(8000))
        job = road.submit()
        until("a first checkpoint", lambda: road.checkpoints(job)["counts"]["completed"] > 0)
        for worker in (1, 2):
            failed = road.checkpoints(job)["counts"]["failed"]
            road.produce(range(8000, 12_000))
            road.stack.pause_taskmanager(worker)
            try:
                until(
                    "a checkpoint to time out", lambda f=failed: road.checkpoints(job)["counts"]["failed"] > f
                )
            finally:
                road.stack.resume_taskmanager(worker)
            done = road.checkpoints(job)["counts"]["completed"]
            until("the next checkpoint", lambda d=done: road.checkpoints(job)["counts"]["completed"] > d)
        assert _partly_acknowledged(road, job), "an aborted checkpoint had subtasks past the barrier"
        road.publish_until(16_000)
        assert road.homes() == every(dict.fromkeys(range(8), 2000))
        assert int(road.rest(f"/jobs/{job}")["vertices"][0]["parallelism"]) == 8
        road.cancel(job)
    finally:
        road.stack.resume_taskmanager(2)
        road.stack.stop_taskmanager(2)


def test_all_manifests_of_one_submission_are_one_chain(road: Road) -> None:
    road.produce(range(500))
    job = road.submit()
    until("five manifests", lambda: len(road.staged()) >= 5)
    road.stop(job)
    for output in ("events", "events__quarantine"):
        staged = road.staged(output)
        walked, reached = chain(staged, max(staged), None)
        assert reached is None
        assert {m.id for m in walked} == set(staged)


def _partly_acknowledged(road: Road, job: str) -> bool:
    return any(
        c["status"] == "FAILED" and 0 < c["num_acknowledged_subtasks"] < c["num_subtasks"]
        for c in road.checkpoints(job)["history"]
    )


def _saved_after(road: Road, job: str, offsets: dict[int, int]) -> str | None:
    """A savepoint, if the job had reached these offsets."""
    saved = road.savepoint(job)
    return saved if positions(road.metadata(saved) or b"", road.topic) == offsets else None


def _branches(road: Road) -> list[dict[str, str]]:
    import json  # noqa: PLC0415

    return list(json.loads(road.headrace("branch", "ls", "events", "-o", "json")))
