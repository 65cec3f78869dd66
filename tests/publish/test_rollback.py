"""Replays that are rolled back: the tables are those before the swap, with the patches applied since."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import DeltaTable

from headrace.contract.load import load
from headrace.errors import UsageError
from headrace.ledger import patch_history, patches, replays
from headrace.read.records import REWRITTEN
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.publish.sealed_lake import CONTRACT, Killed, Lake, by, publish_two_batches


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))


def rewritten(lake: Lake) -> set[str]:
    return set(lake.warehouse.keys(f"events/{REWRITTEN}"))


def test_a_rollback_restores_the_rows_and_the_old_job_continues(lake: Lake) -> None:
    anchor = publish_two_batches(lake)
    before = lake.rows()
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(10, 31))
    lake.replace(number)
    lake.seal(fork, range(31, 40))
    lake.publish()

    done = lake.replacer().roll_back(number, "wrong")
    assert lake.replacer().roll_back(number, "wrong").head == done.head, "once"
    assert (lake.rows(), done.head.frontier) == (before, {0: 30})
    assert done.head.manifests["events"] == lake.newest[1][1]
    assert replays.state(lake.ledger, number) == "rolled back"
    decided = {what: d.why for what, d in replays.decisions_about(lake.ledger, number).items()}
    assert decided == {"published": "why", "rolled back": "wrong"}

    again = lake.submit(goes_on=1)
    lake.seal(again, range(30, 44))
    assert lake.publish().head.frontier == {0: 44}
    assert lake.rows() == before + by(again, range(30, 44))
    # and a replay can start on it again
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(10, 44))
    lake.replace(number)
    assert lake.rows() == by(1, range(10)) + by(fork, range(10, 44))
    planned, _ = lake.replay(anchor)
    with pytest.raises(UsageError, match=f"replay {planned} is begun: it has changed no table"):
        lake.replacer().roll_back(planned, "never published")


@pytest.mark.parametrize(
    "fatal", ["batch", "commit events__quarantine", "commit events", "decision", "done", "fold"]
)
def test_a_rollback_that_dies_is_finished(lake: Lake, fatal: str) -> None:
    anchor = publish_two_batches(lake)
    before = lake.rows()
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(10, 31))
    lake.replace(number)
    with pytest.raises(Killed):
        lake.replacer(fatal).roll_back(number, "wrong")
    lake.replacer().roll_back(number, "wrong")
    assert lake.rows() == before
    assert [d.action for d in lake.ledger.decisions()] == ["replace", "roll-back"]


def test_replays_are_rolled_back_one_after_another(lake: Lake) -> None:
    anchor = publish_two_batches(lake)
    before = lake.rows()
    first, one = lake.replay(anchor)
    lake.seal(one, range(10, 31))
    lake.replace(first)
    after_first = lake.rows()
    second, two = lake.replay(anchor)
    lake.seal(two, range(10, 32))
    lake.replace(second)
    with pytest.raises(
        UsageError, match=f"replay {first} is not the last published one: that is replay {second}"
    ):
        lake.replacer().roll_back(first, "w")
    lake.replacer().roll_back(second, "w")
    assert lake.rows() == after_first
    lake.replacer().roll_back(first, "w")
    assert lake.rows() == before
    lake.seal(1, range(30, 33))
    assert lake.publish().head.frontier == {0: 33}


def test_a_rollback_writes_its_files_once_even_if_other_publishers_win_the_batch(lake: Lake) -> None:
    publish_two_batches(lake)
    anchor = dict(lake.ledger.head().manifests)
    lake.seal(1, range(30, 33), bad=range(33, 36))
    lake.publish()
    lake.patcher().publish(lake.judge(patches.REDRIVE, good=range(28, 35)))  # one file for both sides
    was = lake.rows()
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(30, 34), bad=range(34, 36))
    lake.replace(number)
    slow, ends, written = lake.replacer(), iter((40, 50)), rewritten(lake)

    def lose(name: str) -> None:
        if name == "batch" and (end := next(ends, None)):
            lake.seal(fork, range(max(end - 10, 36), end))
            lake.publish()

    slow.tables.step = lose
    done = slow.roll_back(number, "wrong")
    assert done.head.batch == 8, "it lost twice"
    assert lake.rows() == was
    assert len(rewritten(lake) - written) == 1


@pytest.mark.parametrize("fatal", ["", "commit events", "done"])
def test_a_rollback_restores_patches_on_both_sides_of_the_fork_point(lake: Lake, fatal: str) -> None:
    publish_two_batches(lake)
    anchor = dict(lake.ledger.head().manifests)
    lake.seal(1, range(30, 33), bad=range(33, 36))
    lake.publish()
    both = lake.judge(patches.REDRIVE, good=range(28, 35))  # one file for both sides
    lake.patcher().publish(both)
    was = lake.rows()
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(30, 34), bad=range(34, 36))
    lake.replace(number)
    since = lake.judge(patches.REDRIVE, good=range(34, 36))
    lake.patcher().publish(since)
    assert patch_history.state(lake.ledger, both) == "partly overwritten"

    if fatal:
        with pytest.raises(Killed):
            lake.replacer(fatal).roll_back(number, "wrong")
    lake.replacer().roll_back(number, "wrong")
    assert lake.rows() == was
    assert {p: patch_history.state(lake.ledger, p) for p in (both, since)} == {
        both: "published",
        since: "overwritten",
    }
    fates = patch_history.PatchHistory(lake.ledger)
    fate = fates.overwritten(since)
    swap, back = replays.batch_of(lake.ledger, number), replays.rollback_of(lake.ledger, number)
    changed = [[[p.number for p in patches_at] for patches_at in fates.changed_by(at)] for at in (swap, back)]
    assert changed == [[[both], []], [[since], [both]]]
    assert [p.number for p in fates.overwritten_from({0: 30})] == [both], "no row of the other one is left"
    assert fate == patch_history.Overwritten(f"rollback of replay {number}", records=2, left=0)
    lake.patcher().roll_back(both, "wrong too")
    rows_left = by(1, [*range(25), *range(30, 33)]) + by("bad", [*range(25, 30), *range(33, 36)])
    assert lake.rows() == sorted(rows_left)
    lake.seal(1, range(36, 40))
    lake.publish()
    again, fork = lake.replay(anchor)
    lake.seal(fork, range(30, 40))
    lake.replace(again)
    rows_left = by(1, range(25)) + by("bad", range(25, 30)) + by(fork, range(30, 40))
    assert lake.rows() == rows_left, "and another replay finds all of it"


def test_a_rollback_restores_only_what_the_swap_had_removed(lake: Lake) -> None:
    publish_two_batches(lake)
    anchor = dict(lake.ledger.head().manifests)
    lake.seal(1, range(30, 36))
    lake.publish()
    both = lake.judge(patches.REPLAY, good=range(25, 34), end=34)
    lake.patcher().publish(both)
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(30, 36))
    lake.replace(number)
    before = lake.judge(patches.REPLAY, good=range(24, 26), end=26)
    lake.patcher().publish(before)
    lake.replacer().roll_back(number, "wrong")
    rows = by(1, range(24)) + by(f"patch {before}", [24, 25]) + by(f"patch {both}", range(26, 34))
    assert lake.rows() == sorted(rows + by(1, [34, 35]))
    fate = patch_history.PatchHistory(lake.ledger).overwritten(both)
    assert fate == patch_history.Overwritten(f"bounded replay {before}", records=1, left=8)


def test_a_rollback_of_rows_already_restored_by_another_program_is_finished(lake: Lake) -> None:
    publish_two_batches(lake)
    anchor = dict(lake.ledger.head().manifests)
    lake.seal(1, range(30, 33), bad=range(33, 36))
    lake.publish()
    lake.patcher().publish(lake.judge(patches.REDRIVE, good=range(33, 35)))
    was, names = lake.rows(), ("events", "events__quarantine")
    before = {n: DeltaTable(lake.warehouse.table_uri(n)).version() for n in names}
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(30, 36))
    lake.replace(number)
    for name, version in before.items():
        DeltaTable(lake.warehouse.table_uri(name)).restore(version)
    lake.replacer().roll_back(number, "wrong")
    assert lake.rows() == was
    lake.seal(1, range(36, 40))
    lake.publish()
    assert lake.rows() == was + by(1, range(36, 40))


@pytest.mark.parametrize("lost", ["s1/*/part-4*", "patch-1/*/*"])
def test_a_rollback_to_files_that_are_gone_changes_nothing(lake: Lake, lost: str) -> None:
    publish_two_batches(lake)
    anchor = dict(lake.ledger.head().manifests)
    lake.seal(1, range(30, 33), bad=range(33, 36))
    lake.publish()
    late = lake.judge(patches.REDRIVE, good=range(33, 35))
    lake.patcher().publish(late)
    number, fork = lake.replay(anchor)
    lake.seal(fork, range(30, 36))
    lake.replace(number)
    was = lake.rows()
    for file in Path(lake.warehouse.table_uri("events").removeprefix("file://")).glob(f"_staged/{lost}"):
        file.unlink()
    with pytest.raises(UsageError, match="of table events cannot be read any more"):
        lake.replacer().roll_back(number, "wrong")
    assert lake.rows() == was
    lake.seal(fork, range(36, 40))
    lake.publish()
