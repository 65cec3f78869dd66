"""Numbered records: first writer wins, no gaps, found with few requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import LedgerError, UsageError
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.published import requested_batch
from headrace.ledger.record_store import RecordStore
from headrace.ledger.records import BATCHES, CLAIMS, DONE, Done
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from tests.ledger import sample_records


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return connect(Store(warehouse=f"file://{tmp_path}/lake"))


@pytest.fixture
def ledger(warehouse: Warehouse) -> Ledger:
    return Ledger(warehouse, "flights")


def done(batch: int, first: int, last: int, ids: list[str], **facts: Any) -> Done:
    own: dict[str, Any] = {"heads": {"flights": ids[-1]}, "manifests": {"flights": tuple(ids)}}
    return sample_records.done(batch, checkpoints=(first, last), **own, **facts)


def test_a_record_is_never_overwritten(warehouse: Warehouse) -> None:
    assert warehouse.put_new("a/b.json", b"1")
    assert not warehouse.put_new("a/b.json", b"2")
    assert warehouse.find("a/b.json") == b"1"


def test_a_missing_record_is_none(warehouse: Warehouse) -> None:
    assert warehouse.find("nothing.json") is None


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 33])
def test_the_newest_number_is_found(warehouse: Warehouse, count: int) -> None:
    ledger = Ledger(warehouse, "j")
    for _ in range(count):
        ledger.append(DONE, sample_records.done())
    assert Ledger(warehouse, "j").newest(DONE) == count


def test_two_writers_never_share_a_number(warehouse: Warehouse) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(
            pool.map(lambda i: Ledger(warehouse, "j").record_claim(f"s{i}", None, "1").number, range(24))
        )
    assert sorted(numbers) == list(range(1, 25))


def test_the_start_is_recorded_once(ledger: Ledger) -> None:
    first = ledger.record_start("flights", "id-1", {0: 5, 1: 0}, contract="flights")
    again = ledger.record_start("flights", "id-2", {0: 99}, contract="flights")
    assert again == first
    assert first.offsets == {0: 5, 1: 0}


def test_a_published_manifest_is_found_by_its_checkpoint(ledger: Ledger) -> None:
    for batch in range(1, 20):
        first, last = batch * 10, batch * 10 + 4
        ledger.append(DONE, done(batch, first, last, [f"{c:010d}-x" for c in range(first, last + 1)]))
    assert ledger.published("flights", "0000000123-x") == 12
    assert ledger.published("flights", "0000000123-other") is None
    assert ledger.published("flights", "0000000127-x") is None
    assert ledger.published("flights", "0000009999-x") is None
    assert ledger.published("flights", "0000000001-x") is None


def test_a_vanished_record_is_an_error_with_its_address(ledger: Ledger) -> None:
    for n in (1, 2):
        ledger.record_claim(f"s{n}", None, "1")
    newest = ledger.newest(CLAIMS)
    ledger.warehouse.delete("_headrace/flights/claims/0000000001.json")
    assert newest == 2
    with pytest.raises(LedgerError, match=r"missing") as e:
        ledger.claims()
    assert "claims/0000000001.json" in str(e.value)


def test_a_record_is_read_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RecordStore(ledger.warehouse, ledger.folder, kept=2)
    read: list[int] = []
    monkeypatch.setattr(store, "find", lambda kind, n: read.append(n) or RecordStore.find(store, kind, n))
    for n in (1, 2, 3):
        ledger.put(DONE, n, done(n, n, n, [f"{n}-a"]))

    def look(*numbers: int) -> list[int]:
        read.clear()
        for number in numbers:
            assert store.required(DONE, number).number == number
        return list(read)

    assert look(1, 2, 1, 2) == [1, 2]
    assert look(3, 3) == [3]
    assert look(2, 1, 3) == [1], "two of a kind are kept: those read last"
    store.remember_all()
    assert look(1, 2, 3, 1, 2, 3) == [2]


def test_a_manifest_that_no_batch_held_is_looked_for_in_newer_ones_only(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for batch in range(1, 20):
        ledger.append(DONE, done(batch, batch, batch, [f"{batch:010d}-x"]))
    assert ledger.published("flights", "0000000005-y") is None
    looked: list[int] = []
    required = ledger.required
    monkeypatch.setattr(ledger, "required", lambda kind, n: looked.append(n) or required(kind, n))
    assert ledger.published("flights", "0000000005-y") is None
    assert looked == []
    ledger.append(DONE, done(20, 5, 6, ["0000000005-y", "0000000006-y"], since=20))
    assert ledger.published("flights", "0000000005-y", Head(batch=19)) is None, "as of that head"
    assert ledger.published("flights", "0000000005-y") == 20
    assert set(looked) == {20}


def test_a_batch_is_named_by_its_number_or_by_a_time(ledger: Ledger) -> None:
    first = datetime(2026, 11, 1, tzinfo=timezone.utc)
    for number, at in enumerate((first, second := first + timedelta(hours=1)), 1):
        ledger.put(BATCHES, number, sample_records.publish(number, at=at.isoformat()))
        ledger.put(DONE, number, sample_records.done(number))
    assert requested_batch(ledger, None, None) is None
    assert requested_batch(ledger, 1, None) == 1
    assert [requested_batch(ledger, None, at) for at in (first, second, second + timedelta(days=1))] == [
        1,
        2,
        2,
    ]
    for wrong, what in (
        ((3, None), "batch 3 is not published"),
        ((1, first), "a batch or a time, not both"),
        ((None, first - timedelta(seconds=1)), "nothing was published by"),
    ):
        with pytest.raises(UsageError, match=what):
            requested_batch(ledger, *wrong)
