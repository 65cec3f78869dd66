"""Rows of files as the documents that a producer would have sent, and what is recorded of them."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.errors import UsageError
from headrace.job.assemble import load_program
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, AbortPatch, Patch, PublishPatch
from headrace.replay import payloads
from headrace.replay.backfill import FileRows, count_rows, request_backfill
from headrace.replay.documents import documents as rows_of
from headrace.settings import Store
from headrace.storage.external import fetch, list_files
from headrace.storage.warehouse import connect
from tests.ledger.sample_records import patch_rollback_batch

PROJECT = Path(__file__).parents[1] / "stack/project"
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("HEADRACE_PROJECT", str(PROJECT))
    monkeypatch.syspath_prepend(str(PROJECT))
    return Store(warehouse=f"file://{tmp_path}/lake")


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(connect(store), "events")


def silent(**_: Any) -> None:
    """No progress bar."""


def record_backfill(store: Store, ledger: Ledger, *files: Path) -> Patch:
    return request_backfill(store, ledger, load_program("events"), [str(f) for f in files], "test", silent)


def documents(store: Store, path: Path | str) -> list[bytes]:
    with fetch(store, str(path)) as copy:
        return list(rows_of(copy))


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b'{"id":1}\n{"id":2}\n', [b'{"id":1}', b'{"id":2}']),
        (b'{"id":1}\n{"id":2}', [b'{"id":1}', b'{"id":2}']),
        (b'{"id":1}\r\n\n\xff\n', [b'{"id":1}\r', b"", b"\xff"]),
        (b"", []),
    ],
)
def test_each_line_is_a_row_with_its_bytes_untouched(
    content: bytes, rows: list[bytes], store: Store, tmp_path: Path
) -> None:
    (tmp_path / "day.jsonl").write_bytes(content)
    (tmp_path / "day.ndjson.gz").write_bytes(gzip.compress(content))
    assert documents(store, tmp_path / "day.jsonl") == rows
    assert documents(store, tmp_path / "day.ndjson.gz") == rows


def test_a_row_of_parquet_is_a_document_that_loses_nothing(store: Store, tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1 << 62, None]),
            "amount": pa.array([Decimal("1234.50"), Decimal("-0.01")], pa.decimal128(6, 2)),
            "ratio": pa.array([0.1, float("nan")]),
            "at": pa.array([NOON, NOON], pa.timestamp("us", "UTC")),
            "local": pa.array([NOON.replace(tzinfo=None)] * 2, pa.timestamp("ns")),
            "day": pa.array([NOON.date(), None]),
            "names": pa.array([["ü", "\n"], []]),
        }
    )
    pq.write_table(table, tmp_path / "day.parquet")
    first, second = documents(store, tmp_path / "day.parquet")
    assert json.loads(first) == {
        "id": 1 << 62,
        "amount": "1234.50",
        "ratio": 0.1,
        "at": "2026-01-01T12:00:00+00:00",
        "local": "2026-01-01T12:00:00",
        "day": "2026-01-01",
        "names": ["ü", "\n"],
    }
    assert b'"ratio":NaN' in second, "no JSON: it will be refused, not turned into something else"


def test_a_value_that_json_cannot_hold_is_refused(store: Store, tmp_path: Path) -> None:
    for column in (
        pa.array([b"x"]),
        pa.array([b"x"], pa.binary(1)),
        pa.array([{"a": b"x"}]),
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())),
    ):
        pq.write_table(pa.table({"raw": column}), tmp_path / "odd.parquet")
        with pytest.raises(UsageError, match="column raw has a type that JSON cannot express"):
            documents(store, tmp_path / "odd.parquet")
    for fine in (pa.array([1], pa.timestamp("ns", "UTC")), pa.array([1], pa.time64("ns"))):
        pq.write_table(pa.table({"at": fine}), tmp_path / "fine.parquet")
        with pytest.raises(UsageError, match="a value has no exact JSON form") as refused:
            documents(store, tmp_path / "fine.parquet")
        assert "1970" not in str(refused.value), "the message contains no value of the file"
    pq.write_table(
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["id", "id"]), tmp_path / "two.parquet"
    )
    with pytest.raises(UsageError, match="two columns are called id"):
        documents(store, tmp_path / "two.parquet")
    (tmp_path / "carrier=UA").mkdir()
    pq.write_table(pa.table({"id": [1]}), tmp_path / "carrier=UA/part.parquet")
    with pytest.raises(UsageError, match="column carrier is in the folder's name"):
        documents(store, tmp_path / "carrier=UA/part.parquet")
    for name, content in (("a.jsonl.gz", b"no gzip"), ("b.jsonl.gz", gzip.compress(b"1\n" * 9999)[:-20])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError, match="truncated, or not gzip"):
            documents(store, tmp_path / name)
    for nowhere in ("s3://lake", "s3:///x.jsonl", "ftp://x/y.jsonl"):
        with pytest.raises(UsageError, match=r"not the address of a file|cannot be read"):
            documents(store, nowhere)
    (tmp_path / "day.parquet").write_bytes(b"no parquet")
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        documents(store, tmp_path / "day.parquet")
    (tmp_path / "day.csv").write_bytes(b"1,2")
    with pytest.raises(UsageError, match="JSON lines or Parquet"):
        documents(store, tmp_path / "day.csv")
    with pytest.raises(UsageError, match="no such file"):
        documents(store, tmp_path / "nowhere.jsonl")


def test_files_are_numbered_and_accepted_once(store: Store, ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(b"1\n2\n")
    (folder / "b.jsonl").write_bytes(b"3\n")
    (folder / "_SUCCESS").write_bytes(b"")
    both = list_files(store, [f"{folder}/"])
    assert both == [str(folder / "a.jsonl"), str(folder / "b.jsonl")]
    first = record_backfill(store, ledger, *map(Path, both))
    assert (first.records, [(f.number, f.rows) for f in first.files]) == (3, [(1, 2), (2, 1)])
    held = payloads.positions(ledger.warehouse, first.input or "")
    assert [str(s) for s in held.spans()] == ["-2:0", "-1:0-1"]
    with pytest.raises(UsageError, match="backfill 1 has taken the same bytes already"):
        record_backfill(store, ledger, folder / "b.jsonl")
    (folder / "c.jsonl").write_bytes(b"4\n")
    (folder / "d.jsonl").write_bytes(b"4\n")
    with pytest.raises(UsageError, match="the same bytes"):
        record_backfill(store, ledger, folder / "c.jsonl", folder / "d.jsonl")
    ledger.record_decision(AbortPatch(why="test", patch=1))
    again = record_backfill(store, ledger, folder / "b.jsonl")
    assert again.files[0].number > 2, "a number stands for one taking of one file"
    (folder / "empty.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match="no rows"):
        record_backfill(store, ledger, folder / "empty.jsonl")


def test_verify_counts_in_the_file_while_it_is_unchanged(
    store: Store, ledger: Ledger, tmp_path: Path
) -> None:
    file = tmp_path / "day.jsonl"
    file.write_bytes(b"1\n2\n")
    patch = record_backfill(store, ledger, file)
    assert count_rows(store, ledger, 9, silent) == FileRows({}), "it is in no batch yet"
    ledger.record_decision(PublishPatch(why="", patch=patch.number, batch=4, rolls_back=None))
    assert count_rows(store, ledger, 3, silent) == FileRows({})
    assert count_rows(store, ledger, 4, silent) == FileRows({-1: 2})
    file.write_bytes(b"1\n")
    unverified = FileRows({-1: 2}, (str(file),))
    assert count_rows(store, ledger, 4, silent) == unverified, "other bytes: the ledger's count"
    file.unlink()
    assert count_rows(store, ledger, 4, silent) == unverified
    ledger.put(BATCHES, 6, patch_rollback_batch(patch=2, rolls_back=patch.number))
    assert count_rows(store, ledger, 6, silent) == FileRows({}), (
        "its decision may be missing: the publisher died"
    )
    ledger.record_decision(PublishPatch(why="", patch=2, batch=6, rolls_back=patch.number))
    assert count_rows(store, ledger, 5, silent) == unverified
    assert count_rows(store, ledger, 6, silent) == FileRows({})
