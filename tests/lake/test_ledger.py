"""Numbered records: first writer wins, no gaps, found with few looks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from headrace.errors import LedgerError, UsageError
from headrace.lake.ledger import Ledger
from headrace.lake.store import Warehouse, connect
from headrace.settings import Store


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return connect(Store(warehouse=f"file://{tmp_path}/lake"))


@pytest.fixture
def ledger(warehouse: Warehouse) -> Ledger:
    return Ledger(warehouse, "flights")


def done(batch: int, first: int, last: int, ids: list[str]) -> dict[str, object]:
    return {
        "batch": batch,
        "claim": 1,
        "checkpoints": [first, last],
        "heads": {"flights": ids[-1]},
        "manifests": {"flights": ids},
        "frontier": {"0": last},
        "versions": {"flights": batch},
        "rows": {"flights": last},
    }


def test_a_record_is_never_overwritten(warehouse: Warehouse) -> None:
    assert warehouse.put_new("a/b.json", {"v": 1})
    assert not warehouse.put_new("a/b.json", {"v": 2})
    assert warehouse.get("a/b.json") == {"v": 1}


def test_a_missing_record_is_none(warehouse: Warehouse) -> None:
    assert warehouse.get("nothing.json") is None


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 33])
def test_the_newest_number_is_found(warehouse: Warehouse, count: int) -> None:
    ledger = Ledger(warehouse, "j")
    for _ in range(count):
        ledger.append("done", {})
    assert Ledger(warehouse, "j").newest("done") == count


def test_two_writers_never_share_a_number(warehouse: Warehouse) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda i: Ledger(warehouse, "j").claim(f"s{i}", None, "1").number, range(24)))
    assert sorted(numbers) == list(range(1, 25))


def test_the_start_is_recorded_once(ledger: Ledger) -> None:
    first = ledger.record_start("flights", "id-1", {0: 5, 1: 0}, contract="flights")
    again = ledger.record_start("flights", "id-2", {0: 99}, contract="flights")
    assert again == first
    assert first["offsets"] == {"0": 5, "1": 0}


def test_a_published_manifest_is_found_by_its_checkpoint(ledger: Ledger) -> None:
    for batch in range(1, 20):
        first, last = batch * 10, batch * 10 + 4
        ledger.append("done", done(batch, first, last, [f"{c:010d}-x" for c in range(first, last + 1)]))
    assert ledger.published("flights", "0000000123-x") == 12
    assert ledger.published("flights", "0000000123-other") is None
    assert ledger.published("flights", "0000000127-x") is None
    assert ledger.published("flights", "0000009999-x") is None
    assert ledger.published("flights", "0000000001-x") is None


def test_a_vanished_record_is_an_error_with_its_address(ledger: Ledger) -> None:
    for n in (1, 2):
        ledger.claim(f"s{n}", None, "1")
    newest = ledger.newest("claims")
    ledger.warehouse.delete("_headrace/flights/claims/0000000001.json")
    assert newest == 2
    with pytest.raises(LedgerError, match=r"missing") as e:
        ledger.claims()
    assert "claims/0000000001.json" in str(e.value)


def test_whoever_looks_again_and_again_reads_a_record_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.put("done", 1, done(1, 1, 1, ["1-a"]))
    asked: list[int] = []
    monkeypatch.setattr(
        ledger, "get", lambda kind, number: asked.append(number) or Ledger.get(ledger, kind, number)
    )
    for _ in range(2):
        ledger.required("done", 1)
    ledger.remember()
    for _ in range(3):
        assert ledger.required("done", 1)["batch"] == 1
    assert asked == [1, 1, 1]


def test_a_batch_is_named_by_its_number_or_by_a_time(ledger: Ledger) -> None:
    first = datetime(2026, 11, 1, tzinfo=timezone.utc)
    for number, at in enumerate((first, second := first + timedelta(hours=1)), 1):
        ledger.put("batches", number, {"at": at.isoformat()})
        ledger.put("done", number, {})
    assert ledger.batch_asked(None, None) is None
    assert ledger.batch_asked(1, None) == 1
    assert [ledger.batch_asked(None, at) for at in (first, second, second + timedelta(days=1))] == [1, 2, 2]
    for wrong, what in (
        ((3, None), "batch 3 is not published"),
        ((1, first), "a batch or a time, not both"),
        ((None, first - timedelta(seconds=1)), "nothing was published by"),
    ):
        with pytest.raises(UsageError, match=what):
            ledger.batch_asked(*wrong)
