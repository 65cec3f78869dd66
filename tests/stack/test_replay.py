"""A replay runs beside the live job, becomes the branch in one batch, and duplicates and loses nothing."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from headrace.ledger.records import BATCHES, DONE
from tests.stack.client import FlinkClient
from tests.stack.json_output import run_json
from tests.stack.road import Road, every, publishing
from tests.stack.runbook import steps
from tests.stack.waiting import until

MakeRoad = Callable[..., Road]
LOOK_S = 0.2
STEPS = ["batch", "commit events", "decision", "fold"]
"""Where a publisher dies here; tests/publish/test_replace.py goes through all of them."""


def test_a_replay_from_an_anchor_replaces_what_was_published_since(
    make_road: MakeRoad, tmp_path: Path, client: FlinkClient
) -> None:
    road = make_road(parallelism=1)
    road.produce(range(1000), broken_every=10)
    live = road.submit()
    road.publish_until(1000)
    anchor = run_json(road, "anchor", road.job, "--why", "before the rule")
    assert anchor["positions"] == {"events": {"0": 500, "1": 500}}
    road.produce(range(1000, 3000), broken_every=10)
    before = road.publish_until(3000)

    words = {"flights": road.job, "diff.html": str(tmp_path / "diff.html")}
    book = steps("a-wrong-rule-was-live", 0, words)
    assert [" ".join(step[:2]) for step in book[1:5]] == [
        f"replay {s}" for s in ("plan", "run", "diff", "publish")
    ]
    road.parallelism = 2  # the fork gets more slots than the job had
    for step in book[:3]:
        road.headrace(*step)
    road.submit_by = client  # one fork by `flink run` is enough
    planned = run_json(road, "replay", "show", road.job, "1")
    assert (planned["state"], planned["records"], planned["replaces"]["events"]["rows"]) == (
        "begun",
        2000,
        1800,
    )
    road.produce(range(3000, 4000), broken_every=10)
    road.publish_until(4000)
    assert road.homes() == every({0: 2000, 1: 2000}), "the live job continues meanwhile"
    for step in book[3:]:
        road.headrace(*step)
    assert road.state(live) == "CANCELED"
    (job,) = run_json(road, "status", road.job)["flink_jobs"]
    assert max(v["parallelism"] for v in road.rest(f"/jobs/{job['id']}")["vertices"]) == 2
    swap = road.ledger.newest(DONE)
    assert swap > before.batch
    assert road.homes() == every({0: 2000, 1: 2000})
    assert run_json(road, "anchor", "check", road.job, "1")["problems"] == []

    road.produce(range(4000, 5000), broken_every=10)
    road.publish_until(5000)
    assert road.verified()["verdict"] == "proved"
    road.headrace("stop", road.job)
    road.submit()
    road.produce(range(5000, 6000))
    road.publish_until(6000)
    assert road.homes() == every({0: 3000, 1: 3000}), "the next start continues from the fork"

    rollback, run = steps("a-wrong-rule-was-live", 1, words)
    road.headrace(*rollback)
    assert road.ledger.head().frontier == {0: 2000, 1: 2000}
    assert road.homes() == every({0: 2000, 1: 2000}), "as it was before the swap"
    diff = run_json(road, "diff", road.job, "--from-batch", str(swap - 1))
    assert (diff["same"], diff["moved"], diff["changed"]) == (4000, {}, {})
    assert (diff["lost"], diff["added"]) == ({}, {}), "record by record"
    decided = run_json(road, "replay", "show", road.job, "1")["decided"]
    assert [*decided] == ["published", "rolled back"]
    assert decided["rolled back"]["why"] == rollback[-1]
    _require_gone_file_reported(road, swap)
    road.headrace(*run)
    road.publish_until(6000)
    assert road.homes() == every({0: 3000, 1: 3000}), "the old branch continues, and reads the rest again"
    assert road.verified()["verdict"] == "proved"


def _require_gone_file_reported(road: Road, swap: int) -> None:
    """`verify` names a file that is gone from the version that a swap made, which is not read any more."""
    path = road.ledger.required(BATCHES, swap).outputs["events"].files[0].path
    road.warehouse.delete(f"events/{path}")
    output = road.headrace("verify", road.job, "--batch", str(swap), expect=1)
    assert "table events cannot be proved: a file of the tables as they were then is gone" in output
    for command in (
        ("diff", road.job, "--from-batch", str(swap - 1), "--to-batch", str(swap)),
        ("replay", "diff", road.job, "1"),
    ):
        assert "is gone" in road.headrace(*command, expect=2), command


@pytest.mark.usefixtures("by_client")
def test_a_replay_from_offsets_starts_at_the_end_of_a_batch_without_state(make_road: MakeRoad) -> None:
    road = make_road()
    road.submit()
    for sent in (1000, 2000, 3000):
        road.produce(range(1000), broken_every=10)
        road.publish_until(sent)

    planned = run_json(road, "replay", "plan", road.job, "--from-offsets", "0:700", "--why", "test")
    beginning = {int(p): o for p, o in planned["frontier"].items()}
    ends = [road.ledger.required(DONE, n).frontier for n in range(1, road.ledger.newest(DONE) + 1)]
    assert (beginning[0] <= 700, beginning in ends, planned["savepoint"]) == (True, True, None)
    assert run_json(road, "replay", "run", road.job, "1")["caught_up"]
    aborted = run_json(road, "replay", "abort", road.job, "1", "--why", "test")
    assert len(aborted["cancelled"]) == 1
    road.headrace("replay", "publish", road.job, "1", expect=2)
    road.publish()
    assert road.homes() == every({0: 1500, 1: 1500}), "the aborted replay has changed nothing"


@contextmanager
def polled(look: Callable[[], Any]) -> Iterator[list[Any]]:
    """Call ``look`` repeatedly during the block, as a reader would; the list holds its answers."""
    answers: list[Any] = []
    ended = threading.Event()

    def poll() -> None:
        while not ended.wait(LOOK_S):
            answers.append(look())

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        yield answers
    finally:
        ended.set()
        reader.join()


def _die_before(road: Road, steps: list[str]) -> None:
    """Swap replay 1 in, by publishers that each die before the next step."""
    for fatal in steps:
        killed = publishing(road.environment(), fatal, "1")
        output = killed.communicate(timeout=600)[1]
        assert killed.returncode == -signal.SIGKILL, f"{fatal}: {output.decode()[-2000:]}"


@pytest.mark.usefixtures("by_client")
def test_a_replay_corrects_a_wrong_rule_despite_a_kill_in_every_stage(
    make_road: MakeRoad, project: Path, tmp_path: Path
) -> None:
    own = tmp_path / "project"
    shutil.copytree(project, own, symlinks=True)
    contract, lock = own / "contracts/events.odcs.yaml", own / "jobs/events.lock.json"
    right = contract.read_text(), lock.read_text()
    road = make_road(project=own)
    road.produce(range(1000))
    first = road.submit()
    road.publish_until(1000)
    run_json(road, "anchor", road.job)
    road.stop(first)

    contract.write_text(right[0].replace("amount > 0", "amount > 2"))
    output = road.headrace("plan", road.job, "--accept", expect=3)
    assert "events 1.0.0 meant something else when the lock was written" in output
    contract.write_text(contract.read_text().replace("version: 1.0.0", "version: 1.1.0"))
    road.headrace("plan", road.job, "--accept")
    live = road.submit()
    road.produce(range(1000, 3000))
    road.publish_until(3000)
    assert len(road.rows("events")) == 1000, "the wrong rule refuses every record"

    contract.write_text(right[0])
    lock.write_text(right[1])
    planned = run_json(road, "replay", "plan", road.job, "--from", "1", "--why", "amounts up to 2 are right")
    assert {o: r["rows"] for o, r in planned["replaces"].items()} == {"events": 0, "events__quarantine": 2000}
    fork = run_json(road, "replay", "run", road.job, "1", "--no-wait")["flink_job"]
    road.running(fork)
    road.stack.kill_taskmanager()
    road.cancel(fork)
    road.stack.heal()
    again = run_json(road, "replay", "run", road.job, "1")
    assert (again["caught_up"], again["flink_job"] != fork) == (True, True)

    diff = run_json(road, "replay", "diff", road.job, "1", "--html", str(tmp_path / "diff.html"))
    assert (diff["compared"], diff["moved"]) == (2000, {"events__quarantine → events": 2000})
    assert (diff["lost"], diff["added"]) == ({}, {})
    assert "amounts up to 2 are right" in (tmp_path / "diff.html").read_text()

    road.produce(range(3000, 4000))
    with polled(lambda: len(road.rows("events")) - 1000) as answers:
        until("a reader to have looked", lambda: answers)
        _die_before(road, STEPS)
        done = run_json(road, "replay", "publish", road.job, "1")
        until("the reader to see it", lambda: answers[-1])
    assert done["cancelled"] == [live]
    assert {n for n in answers if 0 < n < 2000} == set(), "a reader never sees a part of the swap"

    road.publish_until(4000)
    assert road.homes() == every({0: 2000, 1: 2000})
    assert len(road.rows("events")) == 4000
    assert road.verified()["verdict"] == "proved"
    assert run_json(road, "replay", "diff", road.job, "1")["moved"] == diff["moved"], (
        "available afterwards too"
    )
