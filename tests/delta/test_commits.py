"""What delta-rs accepts beside another writer, or twice, and headrace must not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.transaction import Transaction

from headrace.contract.load import load
from headrace.delta import commit as delta
from headrace.delta.amend import amend_batch, amend_from
from headrace.delta.commit import DeltaFile, add_files, delta_files
from headrace.errors import LedgerError
from headrace.ledger.records import BATCHES, DONE
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from headrace.table.outputs import Output
from tests.delta.test_amend import HOURLY, held, staged
from tests.publish.sealed_lake import CONTRACT, Killed, Lake, by, compact, publish_two_batches

Meanwhile = Callable[[str, Callable[[], object]], None]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return connect(Store(warehouse=f"file://{tmp_path}/lake"))


@pytest.fixture
def lake(warehouse: Warehouse) -> Lake:
    return Lake(warehouse, load(CONTRACT))


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Let another writer commit once, after headrace has opened its snapshot of a table."""
    opened = delta._open_or_create

    def let(table: str, act: Callable[[], object]) -> None:
        acts = [act]

        def opening(warehouse: Warehouse, name: str, *columns: object) -> DeltaTable:
            snapshot = opened(warehouse, name, *columns)  # type: ignore[arg-type]
            if name == table and acts:
                acts.pop()()
            return snapshot

        monkeypatch.setattr(delta, "_open_or_create", opening)

    return let


def holds(warehouse: Warehouse, table: str, version: int, application: str) -> int | None:
    """The batch that a version of a table holds."""
    return DeltaTable(warehouse.table_uri(table), version=version).transaction_version(application)


def commit_nothing(warehouse: Warehouse, output: Output) -> None:
    """A commit of another program that touches no file: delta-rs finds no conflict with it."""
    table = DeltaTable(warehouse.table_uri(output.id))
    add_files(table, output.columns, Transaction("other", 1), [])


def test_a_batch_names_the_version_that_holds_it(lake: Lake, meanwhile: Meanwhile) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 33))
    meanwhile("events", lambda: commit_nothing(lake.warehouse, lake.tables().outputs[1]))
    version = lake.publish().head.versions["events"]
    assert holds(lake.warehouse, "events", version, "events/events") == 3


def test_a_swap_beside_a_compaction_leaves_no_row_twice(lake: Lake, meanwhile: Meanwhile) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    meanwhile("events", lambda: compact(lake))
    lake.replace(number)
    assert lake.rows() == by(1, range(10)) + by(fork, range(10, 31))


def test_an_amended_table_names_the_version_that_holds_a_batch(
    warehouse: Warehouse, meanwhile: Meanwhile
) -> None:
    amend_batch(warehouse, HOURLY, Transaction("a", 1), [staged(warehouse, "a", [("JFK", 1, 1)])])
    meanwhile("hourly", lambda: commit_nothing(warehouse, HOURLY))
    version = amend_batch(warehouse, HOURLY, Transaction("a", 2), [staged(warehouse, "b", [("JFK", 1, 2)])])
    assert held(warehouse) == [("JFK", 1, 2)]
    assert holds(warehouse, "hourly", version, "a") == 2


def test_a_table_continued_from_a_version_holds_nothing_else(
    warehouse: Warehouse, meanwhile: Meanwhile
) -> None:
    first = amend_batch(warehouse, HOURLY, Transaction("a", 1), [staged(warehouse, "a", [("JFK", 1, 1)])])
    table = DeltaTable(warehouse.table_uri("hourly"))
    meanwhile("hourly", lambda: write_deltalake(table, table.to_pyarrow_table(), mode="append"))
    version = amend_from(
        warehouse, HOURLY, Transaction("a", 2), first, [staged(warehouse, "b", [("EWR", 1, 2)])]
    )
    assert held(warehouse) == [("EWR", 1, 2), ("JFK", 1, 1)]
    assert holds(warehouse, "hourly", version, "a") == 2


def commit_by_hand(lake: Lake, files: list[DeltaFile]) -> None:
    """Register headrace's files as another program, under another transaction."""
    columns = lake.tables().outputs[1].columns
    add_files(DeltaTable(lake.warehouse.table_uri("events")), columns, Transaction("other", 1), files)


def test_a_batch_whose_files_another_program_registered_is_refused(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 33))
    with pytest.raises(Killed):
        lake.publisher("commit events").publish()
    commit_by_hand(lake, delta_files(lake.ledger.required(BATCHES, 3).outputs["events"].files))
    with pytest.raises(LedgerError, match="1 files of the batch are in the table already"):
        lake.publish()
    assert [o for o, writer in lake.rows() if writer != "bad"] == [*range(25), *range(30, 33)]
    assert lake.ledger.newest(DONE) == 2


def test_a_swap_whose_files_another_program_registered_is_refused(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    with pytest.raises(Killed):
        lake.replace(number, "commit events")
    before = lake.rows()
    commit_by_hand(lake, delta_files(lake.ledger.required(BATCHES, 3).outputs["events"].files))
    with pytest.raises(LedgerError, match="1 files of the batch are in the table already"):
        lake.replace(number)
    assert lake.rows() == sorted(before + by(fork, range(10, 31))), "nothing was changed"
    assert lake.ledger.newest(DONE) == 2


def test_a_patch_whose_files_another_program_registered_is_refused(lake: Lake) -> None:
    publish_two_batches(lake)
    number = lake.judge("redrive", range(25, 27))
    with pytest.raises(Killed):
        lake.patcher("commit events").publish(number)
    commit_by_hand(lake, delta_files(lake.ledger.required(BATCHES, 3).outputs["events"].files))
    with pytest.raises(LedgerError, match="1 files of the batch are in the table already"):
        lake.publish()
    assert lake.ledger.newest(DONE) == 2
