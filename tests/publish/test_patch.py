"""Patches over real Delta tables on a local disk: the records of bounded jobs are written by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from headrace.contract.column_type import STRING
from headrace.contract.load import load
from headrace.errors import ConservationError, DecisionNeeded, LedgerError, UsageError
from headrace.ledger import fork as forks
from headrace.ledger import patch_history, patches
from headrace.ledger.decisions import discarded_records
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, Decision, Discard, PatchBatch, PatchKind, UndoDecision
from headrace.offsets import Span
from headrace.publish.patch import NothingToApply
from headrace.read.quarantine import discarded_by_reason
from headrace.read.records import REWRITTEN
from headrace.replay.stale import patched_event_times
from headrace.settings import Store
from headrace.storage.warehouse import connect
from headrace.table.columns import TableColumn
from tests.ledger.sample_records import counted_file
from tests.publish.sealed_lake import AT, CONTRACT, Killed, Lake, by, compact, publish_two_batches

STEPS = ["batch", "commit events__quarantine", "commit events", "decision", "done", "fold"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))
    publish_two_batches(lake)
    return lake


def test_a_redriven_record_moves_from_quarantine_to_data(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    before = lake.ledger.head()

    done = lake.patcher().publish(number)

    moved = by(1, range(25)) + by(f"patch {number}", range(26, 28)) + by("bad", [25, 28, 29])
    assert lake.rows() == sorted(moved)
    assert (done.head.frontier, done.head.manifests) == (before.frontier, before.manifests)
    assert done.head.rows == {"events": 27, "events__quarantine": 3}
    lake.seal(1, range(30, 33))
    assert lake.publish().head.frontier == {0: 33}, "the branch continues"
    assert lake.patcher().publish(number).batches == 0, "a second time changes nothing"
    assert patch_history.state(lake.ledger, number) == "published"
    batch = lake.ledger.required(BATCHES, before.batch + 1)
    assert isinstance(batch, PatchBatch)
    assert batch.records == (Span(0, 26, 27),), "the record names what moved: no file has to be read for it"


@pytest.mark.parametrize("fatal", STEPS)
@pytest.mark.parametrize("finisher", ["the same", "any publisher"])
def test_the_batch_of_a_publisher_that_dies_is_finished_by_the_next(
    lake: Lake, fatal: str, finisher: str
) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    with pytest.raises(Killed):
        lake.patcher(fatal).publish(number)
    if finisher == "any publisher":
        lake.publish()
    lake.patcher().publish(number)
    moved = by(1, range(25)) + by(f"patch {number}", range(26, 28)) + by("bad", [25, 28, 29])
    assert lake.rows() == sorted(moved)
    assert [d.action for d in lake.ledger.decisions()] == ["publish-patch"]
    lake.seal(1, range(30, 33))
    assert lake.publish().head.frontier == {0: 33}


def test_two_redrives_of_the_same_records_move_each_once(lake: Lake) -> None:
    first = lake.judge(patches.REDRIVE, good=range(25, 28))
    second = lake.judge(patches.REDRIVE, good=range(26, 30))
    lake.patcher().publish(first)
    lake.patcher().publish(second)
    moved = by(f"patch {first}", range(25, 28)) + by(f"patch {second}", range(28, 30))
    assert lake.rows() == sorted(by(1, range(25)) + moved)


def test_a_compaction_in_between_does_no_harm(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    compact(lake)
    lake.patcher().publish(number)
    compact(lake)
    moved = by(1, range(25)) + by(f"patch {number}", range(26, 28)) + by("bad", [25, 28, 29])
    assert lake.rows() == sorted(moved)
    lake.patcher().roll_back(number, "test")
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30))


def test_a_redrive_is_rolled_back(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    with pytest.raises(UsageError, match="nothing to roll back"):
        lake.patcher().roll_back(number, "test")
    lake.patcher().publish(number)
    beside = lake.judge(patches.REDRIVE, good=range(28, 29))
    lake.patcher().publish(beside)
    later = lake.judge(patches.REPLAY, good=range(20, 28), end=28)
    lake.patcher().publish(later)
    with pytest.raises(UsageError, match=f"replay {later} has published some of the same records later"):
        lake.patcher().roll_back(number, "test")
    lake.patcher().roll_back(beside, "test")
    lake.patcher().roll_back(later, "test")
    done = lake.patcher().roll_back(number, "test")
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30))
    assert done.head.rows == {"events": 25, "events__quarantine": 5}
    assert lake.patcher().roll_back(number, "test").batches == 0, "a second time changes nothing"
    assert patch_history.state(lake.ledger, number) == "rolled back"
    assert lake.patcher().publish(lake.judge(patches.REDRIVE, good=range(26, 28))).head.rows["events"] == 27


@pytest.mark.parametrize("fatal", STEPS)
def test_a_rollback_that_dies_is_repaired(lake: Lake, fatal: str) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    lake.patcher().publish(number)
    with pytest.raises(Killed):
        lake.patcher(fatal).roll_back(number, "test")
    lake.publish()
    if fatal == "batch":  # nothing is decided yet
        with pytest.raises(UsageError, match=f"patch 2 rolls back patch {number}"):
            lake.patcher().publish(2)
    lake.patcher().roll_back(number, "test")
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30))
    assert patch_history.state(lake.ledger, number) == "rolled back"
    assert [p.kind for p in patches.every(lake.ledger)] == ["redrive", "rollback"], (
        "the undo that was requested"
    )


def test_rows_of_files_are_added_beside_those_of_the_topic(lake: Lake) -> None:
    number = lake.judge(patches.BACKFILL, good=range(4), bad=range(4, 6), partition=-1)
    done = lake.patcher().publish(number)
    assert done.head.frontier == {0: 30}
    assert done.head.rows == {"events": 29, "events__quarantine": 7}
    again = lake.judge(patches.BACKFILL, good=range(6), partition=-1)
    with pytest.raises(ConservationError, match="in the tables already: -1:0-5"):
        lake.patcher().publish(again)
    lake.patcher().roll_back(number, "the wrong file")
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30))


@pytest.mark.parametrize("compacted", [False, True])
def test_a_replay_leaves_rows_of_files_alone_and_judges_redriven_records_again(
    lake: Lake, *, compacted: bool
) -> None:
    filled = lake.judge(patches.BACKFILL, good=range(2), partition=-1)
    lake.patcher().publish(filled)
    anchor = dict(lake.ledger.head().manifests)
    lake.seal(1, range(30, 33), bad=range(33, 36))
    lake.publish()
    early = lake.judge(patches.REDRIVE, good=range(25, 27))
    lake.patcher().publish(early)
    late = lake.judge(patches.REDRIVE, good=range(33, 35))
    lake.patcher().publish(late)
    with pytest.raises(ConservationError):
        lake.patcher().publish(lake.judge(patches.REPLAY, good=range(20, 25), end=26))

    number, fork = lake.replay(anchor)
    lake.seal(fork, range(30, 34), bad=range(34, 36))
    if compacted:
        compact(lake)
    assert patch_history.state(lake.ledger, late) == "published"
    done = lake.replace(number)

    states = {p: patch_history.state(lake.ledger, p) for p in (filled, early, late)}
    assert states == {filled: "published", early: "published", late: "overwritten"}
    kept = by(1, range(25)) + by(f"patch {early}", range(25, 27)) + by("bad", range(27, 30))
    files = by(f"patch {filled}", range(2))
    assert lake.rows() == sorted(files + kept + by(fork, range(30, 34)) + by("bad", range(34, 36)))
    assert done.head.rows == {"events": 33, "events__quarantine": 5}
    with pytest.raises(UsageError, match=f"replay {number} has published other rows for 2 of its 2 records"):
        lake.patcher().roll_back(late, "test")
    fates = patch_history.PatchHistory(lake.ledger)
    assert fates.overwritten_from({0: 30}) == [], "it has gone already"
    assert fates.overwritten(late) == patch_history.Overwritten(f"replay {number}", records=2, left=0)
    lake.patcher().roll_back(early, "no replay has touched it")
    kept = by(1, range(25)) + by("bad", range(25, 30))
    assert lake.rows() == sorted(files + kept + by(fork, range(30, 34)) + by("bad", range(34, 36)))
    lake.replacer().roll_back(number, "test")
    old = by(1, range(30, 33)) + by(f"patch {late}", range(33, 35)) + by("bad", range(35, 36))
    assert lake.rows() == sorted(files + kept + old), "what it had replaced stands again"
    assert patch_history.state(lake.ledger, late) == "published"
    lake.patcher().roll_back(late, "test")
    old = by(1, range(30, 33)) + by("bad", range(33, 36))
    assert lake.rows() == sorted(files + kept + old)


def test_a_patch_of_both_sides_of_a_fork_point_is_replaced_in_part(lake: Lake) -> None:
    anchor = dict(lake.ledger.head().manifests)
    lake.seal(1, range(30, 33), bad=range(33, 36))
    lake.publish()
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(30, 36))
    lake.replace(number)
    lake.replacer().roll_back(number, "test")
    before = lake.judge(patches.REDRIVE, good=range(29, 34))
    lake.patcher().publish(before)
    assert patch_history.state(lake.ledger, before) == "published", "the replay was rolled back before it"
    again, fork = lake.replay(anchor)
    lake.seal(fork, range(30, 34), bad=range(34, 36))
    lake.replace(again)
    assert patch_history.state(lake.ledger, before) == "partly overwritten"
    fate = patch_history.PatchHistory(lake.ledger).overwritten(before)
    assert fate == patch_history.Overwritten(f"replay {again}", records=1, left=1)


def test_a_rollback_of_what_another_program_has_restored_already_doubles_nothing(lake: Lake) -> None:
    before = DeltaTable(lake.warehouse.table_uri("events")).version()
    number = lake.judge(patches.REPLAY, good=range(20, 25), end=25)  # all rows of one file
    lake.patcher().publish(number)
    DeltaTable(lake.warehouse.table_uri("events")).restore(before)
    lake.patcher().roll_back(number, "test")
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30))
    assert patch_history.state(lake.ledger, number) == "rolled back"


def test_a_bounded_replay_of_some_redriven_records_replaces_the_redrive_in_part(lake: Lake) -> None:
    redrive = lake.judge(patches.REDRIVE, good=range(25, 28))
    lake.patcher().publish(redrive)
    stretch = lake.judge(patches.REPLAY, good=range(20, 26), bad=range(26, 27), end=27)
    lake.patcher().publish(stretch)
    fate = patch_history.PatchHistory(lake.ledger).overwritten(redrive)
    assert fate == patch_history.Overwritten(f"bounded replay {stretch}", records=2, left=1)
    lake.patcher().roll_back(stretch, "test")
    lake.patcher().publish(lake.judge(patches.REPLAY, good=range(20, 25), end=25))
    states = [(p.kind, patch_history.state(lake.ledger, p.number)) for p in patches.every(lake.ledger)]
    assert states == [
        ("redrive", "published"),
        ("replay", "rolled back"),
        ("rollback", "published"),
        ("replay", "published"),
    ]


def test_a_bounded_replay_judges_only_its_range(lake: Lake) -> None:
    number = lake.judge(patches.REPLAY, good=range(15, 28), end=28)
    lake.patcher().publish(number)
    middle = by(f"patch {number}", range(15, 28))
    assert lake.rows() == sorted(by(1, range(15)) + middle + by("bad", range(28, 30)))
    lake.patcher().roll_back(number, "test")
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30))


@pytest.mark.parametrize(
    ("good", "message"),
    [(range(16, 28), "were not read again: 0:15"), (range(15, 29), "read unpublished records: 0:28")],
)
def test_an_incomplete_bounded_replay_is_refused(lake: Lake, good: range, message: str) -> None:
    number = lake.judge(patches.REPLAY, good=good, first=15, end=28)
    with pytest.raises(ConservationError, match=message):
        lake.patcher().publish(number)
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30))


def test_a_patch_is_not_a_fork_point(lake: Lake) -> None:
    lake.patcher().publish(lake.judge(patches.REDRIVE, good=range(26, 28)))
    assert forks.newest_within(lake.ledger, {0: 30}) == 3
    point = forks.at_batch(lake.ledger, 3)
    assert point == forks.at_batch(lake.ledger, 2)
    forks.require_on_branch(lake.ledger, point)
    number, fork = lake.replay(point.manifests)
    lake.seal(fork, range(30, 33))
    lake.replace(number)
    assert lake.ledger.head().frontier == {0: 33}
    assert lake.ledger.head().rows == {"events": 30, "events__quarantine": 3}


def test_a_patch_that_is_unjudged_or_aborted_is_not_applied(lake: Lake) -> None:
    number = lake.ask(patches.REDRIVE)
    with pytest.raises(DecisionNeeded, match="not judged yet"):
        lake.patcher().publish(number)
    lake.patcher().abort(number, "test")
    with pytest.raises(UsageError, match="aborted"):
        lake.patcher().publish(number)


def test_the_first_repaired_row_adds_the_column_that_marks_repairs(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28), repair="repairs.events.fix")
    lake.patcher().publish(number)
    table = DeltaTable(lake.warehouse.table_uri("events")).to_pyarrow_table()
    rows = zip(table["_offset"].to_pylist(), table["_repaired_by"].to_pylist(), strict=True)
    assert {o for o, by in rows if by} == {26, 27}
    lake.seal(1, range(30, 33))
    lake.publish()
    compact(lake)
    later = lake.judge(patches.REDRIVE, good=range(28, 29))
    lake.patcher().publish(later)
    assert len(lake.rows()) == 33


def test_a_patch_that_two_publishers_apply_at_once_is_applied_once(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    slow = lake.patcher()
    slow.tables.step = lambda name: lake.patcher().publish(number) and None if name == "batch" else None
    done = slow.publish(number)
    assert done.head.batch == lake.ledger.newest(BATCHES) == 3
    assert patch_history.state(lake.ledger, number) == "published"


def test_a_patch_that_is_aborted_while_it_is_applied_stands(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    with pytest.raises(Killed):
        lake.patcher("commit events__quarantine").publish(number)
    with pytest.raises(UsageError, match="is published"):
        lake.patcher().abort(number, "test")
    late = lake.judge(patches.REDRIVE, good=range(28, 29))
    giving_up = lake.patcher()

    def record_decision(decision: Decision) -> int:
        lake.patcher().publish(late)
        return Ledger.record_decision(giving_up.tables.ledger, decision)

    giving_up.tables.ledger.record_decision = record_decision  # type: ignore[method-assign]
    with pytest.raises(DecisionNeeded, match="at the same moment"):
        giving_up.abort(late, "test")
    assert patch_history.state(lake.ledger, late) == "published"


def test_a_backfill_may_be_the_first_batch(tmp_path: Path) -> None:
    lake = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))
    number = lake.judge(patches.BACKFILL, good=range(3), bad=range(3, 4), partition=-1)
    done = lake.patcher().publish(number)
    assert (done.head.batch, done.head.frontier, done.head.manifests) == (1, {}, {})
    lake.submit()
    lake.seal(1, range(2))
    assert lake.publish().head.frontier == {0: 2}
    assert lake.rows() == sorted(by(f"patch {number}", range(3)) + by(1, range(2)) + by("bad", [3]))
    lake.patcher().roll_back(number, "test")
    assert lake.rows() == by(1, range(2))


def test_records_discarded_or_moved_since_they_were_judged_stay_where_they_are(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(25, 28))
    discard = lake.ledger.record_decision(Discard(why="test", spans=(Span.parse("0:25-26"),)))
    lake.patcher().publish(number)
    moved = by(f"patch {number}", [27])
    assert lake.rows() == sorted(by(1, range(25)) + moved + by("bad", [25, 26, 28, 29]))
    assert discarded_by_reason(lake.warehouse, lake.tables().outputs[0], discarded_records(lake.ledger)) == {
        ("x", "x", "x"): 2
    }
    lake.ledger.record_decision(UndoDecision(why="test", undoes=discard))
    assert not discarded_by_reason(lake.warehouse, lake.tables().outputs[0], discarded_records(lake.ledger))
    again = lake.judge(patches.REDRIVE, good=range(27, 28))
    head = lake.ledger.head()
    assert lake.patcher().publish(again) == NothingToApply("no record of it is left to be moved")
    nothing = lake.judge(patches.REDRIVE, good=range(0))
    assert lake.patcher().publish(nothing) == NothingToApply("none of it passed")
    assert lake.ledger.head() == head, "no table version is made"
    assert patch_history.state(lake.ledger, again) == "judged", "nothing is decided"
    stretch = lake.judge(patches.REPLAY, good=range(20, 26), end=26)
    lake.patcher().publish(lake.judge(patches.REDRIVE, good=range(25, 26)))
    with pytest.raises(ConservationError, match="published some of these records since it was judged"):
        lake.patcher().publish(stretch)


def test_files_are_written_once_even_if_other_publishers_win_the_batch(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(25, 28))
    lake.ledger.record_decision(Discard(why="test", spans=(Span.parse("0:25"),)))
    slow, ends = lake.patcher(), iter((40, 50))

    def lose(name: str) -> None:
        if name == "batch" and (end := next(ends, None)):
            lake.seal(1, range(end - 10, end))
            lake.publish()

    slow.tables.step = lose
    done = slow.publish(number)
    assert done.head.batch == 5, "it lost twice"
    assert len([k for k in lake.warehouse.keys(f"events/{REWRITTEN}") if k.endswith(".parquet")]) == 1
    assert {at for at, who in lake.rows() if who == f"patch {number}"} == {26, 27}


def test_the_same_bytes_are_applied_once_for_two_requests(lake: Lake) -> None:
    files = (counted_file(sha256="ab"),)
    first = lake.judge(patches.BACKFILL, good=range(2), partition=-1, files=files)
    second = lake.judge(
        patches.BACKFILL, good=range(2), partition=-2, files=(counted_file(sha256="ab", number=2),)
    )
    lake.patcher().publish(first)
    with pytest.raises(ConservationError, match=f"backfill {first} already holds the same bytes"):
        lake.patcher().publish(second)
    lake.patcher().roll_back(first, "test")
    lake.patcher().publish(second)
    assert lake.rows() == sorted(
        by(1, range(25)) + by("bad", range(25, 30)) + by(f"patch {second}", range(2))
    )


def test_a_patch_that_is_aborted_while_it_is_checked_is_not_applied(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    putting = lake.patcher()
    putting.tables.step = lambda name: lake.patcher().abort(number, "test") if name == "batch" else None
    with pytest.raises(UsageError, match="is aborted"):
        putting.publish(number)
    assert lake.ledger.newest(BATCHES) == 2, "nothing was decided"


@pytest.mark.parametrize("kind", [patches.REDRIVE, patches.BACKFILL])
def test_a_batch_that_another_contract_could_not_finish_is_refused(lake: Lake, kind: PatchKind) -> None:
    partition = 0 if kind == patches.REDRIVE else -1
    number = lake.judge(kind, good=range(26, 28), partition=partition)
    other = lake.patcher()
    other.tables.contract = replace(other.tables.contract, version="2.0.0")
    with pytest.raises(ConservationError, match=r"judged by contract version 1.0.0; now it is 2.0.0"):
        other.publish(number)
    wide = lake.patcher()
    wide.tables.outputs = [
        replace(o, columns=(*o.columns, TableColumn("note", STRING))) for o in wide.tables.outputs
    ]
    with pytest.raises(LedgerError, match="a staged file has other columns"):
        wide.publish(number)
    _add_column(lake, number)
    with pytest.raises(LedgerError, match="the table has other columns"):
        wide.publish(number)
    assert lake.ledger.newest(BATCHES) == 2, "nothing was decided"
    assert lake.publish().head.batch == 2


def _add_column(lake: Lake, number: int) -> None:
    """As a job of the wider contract would have written it."""
    judged = patches.judged_of(lake.ledger, number)
    for output, files in judged.files.items() if judged else ():
        for file in files:
            key = f"{output}/{file.path}"
            rows = pq.read_table(pa.BufferReader(lake.warehouse.read(key)), partitioning=None)
            sink = pa.BufferOutputStream()
            pq.write_table(rows.append_column("note", pa.nulls(len(rows), pa.string())), sink)
            obstore.put(lake.warehouse.objects, key, sink.getvalue().to_pybytes())


def test_a_backfill_can_be_rolled_back_after_a_replay(lake: Lake) -> None:
    filled = lake.judge(patches.BACKFILL, good=range(2), partition=-1)
    lake.patcher().publish(filled)
    number, fork = lake.replay(lake.ledger.head().manifests)
    lake.seal(fork, range(30, 31))
    lake.replace(number)
    lake.patcher().roll_back(filled, "test")
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30)) + by(fork, [30])


def test_what_somebody_deleted_does_not_come_back_with_a_rollback(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    lake.patcher().publish(number)
    DeltaTable(lake.warehouse.table_uri("events")).delete("_offset = 27")
    with pytest.raises(UsageError, match="1 of its records are in no table any more: 0:27"):
        lake.patcher().roll_back(number, "test")


def test_a_rollback_whose_files_are_gone_changes_nothing_and_leaves_nothing(lake: Lake) -> None:
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    lake.patcher().publish(number)
    (old,) = lake.ledger.required(BATCHES, 2).outputs["events__quarantine"].files
    lake.warehouse.delete(f"events__quarantine/{old.path}")
    for _ in range(2):
        with pytest.raises(UsageError, match="cannot be read any more"):
            lake.patcher().roll_back(number, "test")
    assert [p.kind for p in patches.every(lake.ledger)] == ["redrive"]


def test_event_times_of_patched_rows_are_reported(lake: Lake) -> None:
    assert patched_event_times(lake.ledger, lake.contract) == {}
    number = lake.judge(patches.REDRIVE, good=range(26, 28))
    lake.patcher().publish(number)
    compact(lake)
    assert patched_event_times(lake.ledger, lake.contract) == {int(AT.timestamp() * 1000): 2}
    lake.patcher().roll_back(number, "test")
    assert patched_event_times(lake.ledger, lake.contract) == {}
