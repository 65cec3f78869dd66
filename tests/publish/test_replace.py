"""Replays over real Delta tables on a local disk: fast, so every order of events can be tried.

What Flink does stands in tests/stack; here files and manifests are written by hand, as the sink seals them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from deltalake import DeltaTable

from headrace.contract.load import load
from headrace.errors import ConservationError, DecisionNeeded, LedgerError, UsageError
from headrace.files import StagedFile
from headrace.job.start.begin import Start, choose_fork_start, choose_start
from headrace.ledger import replays
from headrace.ledger.anchors import needed_savepoints
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import (
    ANCHORS,
    BATCHES,
    DONE,
    AcceptLoss,
    Decision,
    ForkPoint,
    RecordKind,
    Stored,
)
from headrace.offsets import Span
from headrace.publish import batch_checks
from headrace.publish.publisher import Published, Publisher
from headrace.publish.replace import Behind, NothingSealed
from headrace.publish.staged_files import ReadFile, read_files
from headrace.publish.tables import JobTables
from headrace.read.query import query
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from headrace.table.outputs import Output, outputs
from tests.ledger import sample_records
from tests.publish.sealed_lake import CONTRACT, Killed, Lake, by, compact, foreign, publish_two_batches

STEPS = ["read", "batch", "commit events__quarantine", "commit events", "decision", "done", "fold"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))


def test_a_fork_replaces_what_follows_its_fork_point(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    assert lake.replace(number) == NothingSealed()
    lake.seal(fork, range(10, 18), bad=range(18, 20))
    assert lake.replace(number) == Behind({0: 20}), "not caught up"
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30))
    lake.seal(fork, range(20, 33))

    done = lake.replace(number)

    assert isinstance(done, Published)
    assert lake.rows() == sorted(
        by(1, range(10)) + by(fork, range(10, 18)) + by("bad", range(18, 20)) + by(fork, range(20, 33))
    )
    assert (done.head.frontier, done.head.rows) == ({0: 33}, {"events": 31, "events__quarantine": 2})
    lake.seal(1, range(30, 40))
    lake.publish()
    assert lake.ledger.head() == done.head, "what the old job stages later is not followed"
    lake.seal(fork, range(33, 35))
    assert lake.publish().head.frontier == {0: 35}


@pytest.mark.parametrize("fatal", STEPS)
@pytest.mark.parametrize("finisher", ["the same", "any publisher"])
def test_the_batch_of_a_publisher_that_dies_is_finished_by_the_next(
    lake: Lake, fatal: str, finisher: str
) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    with pytest.raises(Killed):
        lake.replace(number, fatal)
    if finisher == "any publisher":
        lake.publish()
    lake.replace(number)
    lake.replace(number)
    assert lake.rows() == by(1, range(10)) + by(fork, range(10, 31))
    assert [d.action for d in lake.ledger.decisions()] == ["replace"]
    lake.seal(fork, range(31, 33))
    assert lake.publish().head.frontier == {0: 33}


def test_the_live_job_publishes_while_the_fork_is_being_judged(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    lake.seal(1, range(30, 32))

    read: list[str] = []

    def reading(warehouse: Warehouse, output: str, files: list[StagedFile], columns: Any) -> list[ReadFile]:
        read.extend(f.path for f in files if f"/s{fork}/" in f.path)
        return read_files(warehouse, output, files, columns)

    monkeypatch.setattr(batch_checks, "read_files", reading)
    publisher, overtaken = lake.replacer(), []

    def overtake(name: str) -> None:
        """Another publisher wins the batch number after everything was read."""
        if name == "batch" and not overtaken:
            overtaken.append(lake.publish())

    publisher.tables.step = overtake
    planned = replays.one(lake.ledger, number)
    assert publisher.replace(number, planned.fork) == Behind({0: 31}), "it looks again"
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30)) + by(1, range(30, 32))
    lake.seal(fork, range(31, 32))
    assert isinstance(publisher.replace(number, planned.fork), Published)
    assert len(read) == 2, "each file once: who reads all of them again is overtaken again"
    assert lake.rows() == by(1, range(10)) + by(fork, range(10, 32))


def test_a_batch_that_another_publisher_finishes_meanwhile_is_not_an_error(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    with pytest.raises(Killed):
        lake.replace(number, "commit events")
    slow = lake.publisher()

    overtaken: list[int] = []

    def find(kind: RecordKind[Any], at: int) -> Stored[Any] | None:
        record = Ledger.find(slow.tables.ledger, kind, at)
        if kind is BATCHES and record:
            overtaken.append(at)
            lake.publish()
        return record

    monkeypatch.setattr(slow.tables.ledger, "find", find)
    slow.publish()
    assert overtaken[:1] == [3]
    assert lake.rows() == by(1, range(10)) + by(fork, range(10, 31))
    assert [d.action for d in lake.ledger.decisions()] == ["replace"]


@pytest.mark.parametrize(
    ("offsets", "message"),
    [(range(12, 31), "lacks records that are published"), (range(5, 31), "published already")],
)
def test_a_fork_with_a_hole_or_an_overlap_is_not_published(lake: Lake, offsets: range, message: str) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, offsets)
    publisher = lake.replacer()
    with pytest.raises(ConservationError, match=message):
        publisher.replace(number, replays.one(lake.ledger, number).fork)
    assert lake.ledger.head().batch == 2


def test_a_replay_whose_fork_point_was_replaced_is_refused(lake: Lake) -> None:
    anchor = publish_two_batches(lake)
    later = lake.ledger.head().manifests
    stale, late = lake.replay(later)
    lake.seal(late, range(30, 40))
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(10, 31))
    lake.replace(number)

    with pytest.raises(UsageError, match="has replaced it"):
        lake.replace(stale)
    assert lake.rows() == by(1, range(10)) + by(fork, range(10, 31))


def test_a_second_replay_from_the_same_fork_point_replaces_the_first(lake: Lake) -> None:
    anchor = publish_two_batches(lake)
    first, one = lake.replay(anchor)
    second, two = lake.replay(anchor)
    lake.seal(one, range(10, 31))
    lake.seal(two, range(10, 30))
    lake.replace(first)
    assert lake.replace(second) == Behind({0: 30}), "the branch is the first one's now"
    lake.seal(two, range(30, 35))
    lake.replace(second)
    assert lake.rows() == by(1, range(10)) + by(two, range(10, 35))


def test_a_replay_from_the_beginning_replaces_everything(lake: Lake) -> None:
    publish_two_batches(lake)
    planned = sample_records.replay(fork=ForkPoint(batch=0), savepoint=None, frontier={0: 0})
    number = replays.record_replay(lake.ledger, planned).number
    fork = lake.submit(replay=number, begins_after={})
    lake.seal(fork, range(31))
    lake.replace(number)
    assert lake.rows() == by(fork, range(31))


@pytest.mark.parametrize("fatal", ["", "commit events__quarantine", "commit events"])
def test_a_compaction_before_or_within_a_swap_loses_nothing(lake: Lake, fatal: str) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    if fatal:
        with pytest.raises(Killed):
            lake.replace(number, fatal)
    compact(lake)
    assert foreign(lake), "files were rewritten"
    lake.replace(number)
    assert lake.rows() == by(1, range(10)) + by(fork, range(10, 31))
    assert foreign(lake) == []
    lake.seal(fork, range(31, 33))
    assert lake.publish().head.frontier == {0: 33}


def test_a_compaction_after_a_swap_does_not_hinder_its_rollback_nor_another_replay(lake: Lake) -> None:
    anchor = publish_two_batches(lake)
    before = lake.rows()
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(10, 31))
    compact(lake)
    lake.replace(number)
    compact(lake)
    lake.replacer().roll_back(number, "wrong")
    assert lake.rows() == before
    compact(lake)
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(10, 30))
    lake.replace(number)
    assert lake.rows() == by(1, range(10)) + by(fork, range(10, 30))
    assert DeltaTable(lake.warehouse.table_uri("events")).count() == 30


def test_versions_before_a_replay_can_still_be_queried(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    count = "SELECT count(*) AS n, sum(amount) AS by FROM events"

    def counts_at(**at: Any) -> tuple[Any, ...]:
        return next(query(lake.warehouse, ["events"], count, **at).rows)

    version = lake.ledger.head().versions["events"]
    then = dt.datetime.now(dt.timezone.utc)
    lake.seal(fork, range(10, 31))
    lake.replace(number)

    assert counts_at() == (31, 10 + 21 * fork)
    assert counts_at(version=version) == counts_at(moment=then) == (25, 25)
    with pytest.raises(UsageError, match="no version of the table is as old as"):
        counts_at(moment=dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc))
    with pytest.raises(UsageError, match="each table has versions of its own"):
        query(lake.warehouse, ["events"], "SELECT 1", version=1)


def test_records_that_kafka_deleted_meanwhile_stay_in_the_table(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(14, 31))
    publisher = lake.replacer()
    lake.kafka.delete_below("events", 14)
    for _ in ("before", "after a decision"):
        with pytest.raises(ConservationError, match="lacks records that are published: 0:10-13"):
            publisher.replace(number, replays.one(lake.ledger, number).fork)
        lake.ledger.record_decision(AcceptLoss(why="w", spans=(Span.parse("0:10-13"),)))
    assert lake.ledger.head().batch == 2


def test_a_hole_that_the_branch_has_too_is_accepted_in_the_fork(lake: Lake) -> None:
    lake.submit()
    anchor = lake.seal(1, range(10))
    lake.publish()
    lake.seal(1, range(12, 20))
    publisher = lake.replacer()
    lake.kafka.compact("events", range(10, 12))
    lake.publish()
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(12, 20))
    assert isinstance(publisher.replace(number, replays.one(lake.ledger, number).fork), Published)


def test_an_aborted_or_rolled_back_replay_is_not_published(lake: Lake) -> None:
    anchor = publish_two_batches(lake)
    first, one = lake.replay(anchor)
    lake.seal(one, range(10, 31))
    lake.replacer().abort(first, "w")
    with pytest.raises(UsageError, match="is aborted"):
        lake.replace(first)
    second, two = lake.replay(anchor)
    manifests = lake.seal(two, range(10, 31))
    lake.replace(second)
    lake.replacer().roll_back(second, "wrong")
    lake.newest[two] = lake.newest[two][0] - 1, anchor["events"]
    assert lake.seal(two, range(10, 31)) == manifests, "committed once more, after it was folded"
    with pytest.raises(UsageError, match="is rolled back"):
        lake.replace(second)
    lake.seal(1, range(30, 32))
    assert lake.publish().head.frontier == {0: 32}


def test_a_replay_cannot_be_aborted_once_its_batch_is_decided(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    with pytest.raises(Killed):
        lake.replace(number, "commit events")
    with pytest.raises(UsageError, match="is published"):
        lake.replacer().abort(number, "w")
    assert replays.state(lake.ledger, number) == "published"


def test_a_replay_that_two_publishers_swap_at_once_is_published_once(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    slow = lake.replacer()
    files = slow._checks.read_files

    def overtaken(output: Output, staged: Sequence[StagedFile]) -> list[ReadFile]:
        slow._checks.read_files = files  # type: ignore[method-assign]
        lake.replace(number)
        return files(output, staged)

    slow._checks.read_files = overtaken  # type: ignore[method-assign]
    done = slow.replace(number, replays.one(lake.ledger, number).fork)
    assert isinstance(done, Published)
    assert done.head.batch == lake.ledger.newest(BATCHES) == 3
    assert lake.rows() == by(1, range(10)) + by(fork, range(10, 31))


def test_a_submission_made_before_the_batch_is_finished_is_followed(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    with pytest.raises(Killed):
        lake.replace(number, "decision")
    later = lake.submit(goes_on=fork)
    lake.replace(number)
    lake.seal(later, range(31, 33))
    assert lake.publish().head.frontier == {0: 33}


def test_a_batch_for_unknown_tables_is_left_unfinished(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    with pytest.raises(Killed):
        lake.replace(number, "commit events")
    fewer = Publisher(JobTables(lake.ledger, lake.contract, outputs(lake.contract)[1:], lake.source))
    with pytest.raises(LedgerError, match="was decided for other tables"):
        fewer.publish()
    lake.replace(number)
    assert lake.rows() == by(1, range(10)) + by(fork, range(10, 31))


def test_a_replay_runs_one_contract_and_one_plan(lake: Lake) -> None:
    number, _ = lake.replay(publish_two_batches(lake))
    program = SimpleNamespace(contract=lake.contract, digest=lambda: "program")
    edited = SimpleNamespace(contract=lake.contract, digest=lambda: "a rule of the same version")
    same, other = SimpleNamespace(plan_digest=""), SimpleNamespace(plan_digest="another")

    def start(program: Any, plan: Any) -> Start:
        return choose_fork_start(
            program, plan, lake.ledger, lake.warehouse, {}, replays.require_open(lake.ledger, number)
        )

    assert start(program, same).savepoint == "savepoint"
    for job, plan in ((program, other), (edited, same)):
        with pytest.raises(DecisionNeeded, match="the job was edited since replay 1"):
            start(job, plan)
    number = replays.record_replay(lake.ledger, replays.one(lake.ledger, number)).number
    with pytest.raises(DecisionNeeded, match="edited since replay 2 was planned"):
        start(edited, same)


def test_a_replay_that_is_aborted_while_it_is_published_stands(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    aborting = lake.replacer()

    def record_decision(decision: Decision) -> int:
        lake.replace(number)
        return Ledger.record_decision(aborting.tables.ledger, decision)

    aborting.tables.ledger.record_decision = record_decision  # type: ignore[method-assign]
    with pytest.raises(DecisionNeeded, match="at the same moment"):
        aborting.abort(number, "test")
    assert replays.state(lake.ledger, number) == "published"


def test_a_job_does_not_start_while_its_branch_is_being_swapped(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    with pytest.raises(Killed):
        lake.replace(number, "decision")
    program: Any = SimpleNamespace(outputs=outputs(lake.contract), contract=lake.contract)
    with pytest.raises(DecisionNeeded, match="not all of its tables are swapped yet"):
        choose_start(program, lake.ledger, lake.warehouse, {}, None)


def test_anchors_that_a_rollback_would_need_are_kept(lake: Lake) -> None:
    def anchor(name: str) -> str:
        batch, path = lake.ledger.newest(DONE), f"{lake.warehouse.uri}/{name}"
        lake.ledger.append(ANCHORS, sample_records.anchor(path=path, batch=batch))
        return path

    point = publish_two_batches(lake)
    anchor("old")
    last = anchor("the last before the swap")
    assert needed_savepoints(lake.ledger) == set(), "nothing could be restored yet"
    number, fork = lake.replay(point)
    assert needed_savepoints(lake.ledger) == {"savepoint"}, "the replay restores it"
    lake.seal(fork, range(10, 31))
    lake.replace(number)
    anchor("on the fork")
    assert needed_savepoints(lake.ledger) == {last}
    lake.replacer().roll_back(number, "test")
    assert needed_savepoints(lake.ledger) == set()
