"""A swap of rows without positions, as a derived table's are, where another program rewrote the files."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import DeltaTable
from deltalake.transaction import Transaction

from headrace.contract.load import load
from headrace.delta.commit import DeltaFile, delta_files
from headrace.delta.swap import require_restorable, swap_batch
from headrace.errors import UsageError
from headrace.files import Baseline
from headrace.ledger.records import BATCHES, DONE
from headrace.settings import Store
from headrace.storage.warehouse import connect
from headrace.table.outputs import outputs
from tests.ledger.sample_records import file
from tests.publish.sealed_lake import CONTRACT, Lake, by, compact, publish_two_batches


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    published_lake = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))
    publish_two_batches(published_lake)
    return published_lake


def _files(lake: Lake, batch: int) -> list[DeltaFile]:
    return delta_files(lake.ledger.required(BATCHES, batch).outputs["events"].files)


def _swap(lake: Lake, base: Baseline, removed: list[DeltaFile]) -> None:
    fork = lake._file("events", "s7", 9, range(20, 23))
    came = [DeltaFile(fork["path"], fork["size"], {"at_day": "2026-01-01"}, '{"numRecords": 3}')]
    output = outputs(lake.contract)[1]
    for _ in range(2):  # the second time it is already done
        swap_batch(lake.warehouse, output, Transaction("events/events", 3), came, removed, None, base)


@pytest.mark.parametrize("compacted", [False, True])
def test_a_swap_restores_the_table_at_the_fork_point(lake: Lake, *, compacted: bool) -> None:
    version = lake.ledger.required(DONE, 1).versions["events"]
    if compacted:
        compact(lake)
    _swap(lake, Baseline(versions={"events": version}), _files(lake, 2))
    assert [r for r in lake.rows() if r[1] != "bad"] == by(1, range(20)) + by(7, range(20, 23))


@pytest.mark.parametrize("compacted", [False, True])
def test_a_fork_point_in_the_middle_of_a_batch_keeps_what_came_before_it(
    lake: Lake, *, compacted: bool
) -> None:
    first, second = _files(lake, 1)
    if compacted:
        compact(lake)
    kept = file(first.path, size=first.size, partition=first.partition, statistics=first.statistics)
    _swap(lake, Baseline(files={"events": (kept,)}), [second, *_files(lake, 2)])
    assert [r for r in lake.rows() if r[1] != "bad"] == by(1, range(10)) + by(7, range(20, 23))


def test_a_fork_point_whose_files_are_gone_is_refused_before_anything_is_decided(lake: Lake) -> None:
    output, removed = outputs(lake.contract)[1], _files(lake, 2)
    base = Baseline(versions={"events": lake.ledger.required(DONE, 1).versions["events"]})
    require_restorable(lake.warehouse, output, removed, None, base)
    compact(lake)
    require_restorable(lake.warehouse, output, removed, None, base)
    lake.warehouse.delete(f"events/{_files(lake, 1)[0].path}")
    with pytest.raises(UsageError, match="at the fork point is gone"):
        require_restorable(lake.warehouse, output, removed, None, base)


def test_a_swap_does_not_restore_rows_deleted_by_another_program(lake: Lake) -> None:
    output, removed = outputs(lake.contract)[1], _files(lake, 2)
    base = Baseline(versions={"events": lake.ledger.required(DONE, 1).versions["events"]})
    DeltaTable(lake.warehouse.table_uri("events")).delete("_offset IN (3, 22)")
    with pytest.raises(UsageError, match="holds 23 rows, of 25 that were published"):
        require_restorable(lake.warehouse, output, removed, None, base)


def test_a_rollback_restores_the_table_that_the_replay_replaced(lake: Lake) -> None:
    """Compacted before and after the batch that the replay replaced."""
    compact(lake)
    lake.seal(1, range(30, 33))
    lake.publish()
    before = lake.ledger.required(DONE, 3).versions["events"]
    base = Baseline(versions={"events": lake.ledger.required(DONE, 1).versions["events"]})
    deleted = [*_files(lake, 2), *_files(lake, 3)]
    fork = lake._file("events", "s7", 9, range(20, 33))
    came = [DeltaFile(fork["path"], fork["size"], {"at_day": "2026-01-01"}, '{"numRecords": 13}')]
    output = outputs(lake.contract)[1]
    swap_batch(lake.warehouse, output, Transaction("events/events", 4), came, deleted, None, base)
    assert [r for r in lake.rows() if r[1] != "bad"] == by(1, range(20)) + by(7, range(20, 33))
    compact(lake)
    back = Transaction("events/events", 5)
    swap_batch(
        lake.warehouse, output, back, deleted, came, None, Baseline(versions={"events": before}), back=True
    )
    assert [r for r in lake.rows() if r[1] != "bad"] == by(1, range(25)) + by(1, range(30, 33))
