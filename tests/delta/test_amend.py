"""Amending a table: the newest row of a key replaces the older one once, however many publishers try."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.transaction import Transaction

from headrace.contract.column_type import BIGINT, DATE, STRING, DecimalType
from headrace.delta.amend import amend_batch, amend_from, amended_rows, newest_rows
from headrace.delta.commit import DeltaFile
from headrace.read.rows import read_rows
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from headrace.table.columns import TableColumn
from headrace.table.outputs import Output

HOURLY = Output(
    "hourly",
    (
        TableColumn("origin", STRING, nullable=False),
        TableColumn("day", DATE, nullable=False),
        TableColumn("flights", BIGINT, nullable=False),
        TableColumn("mean", DecimalType(6, 2)),
        TableColumn("day_month", DATE, nullable=False, partition=True),
    ),
    mode="amend",
    key=("origin", "day"),
)
Row = tuple[str, int, int]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return connect(Store(warehouse=f"file://{tmp_path}/lake"))


def staged(warehouse: Warehouse, name: str, rows: list[Row]) -> DeltaFile:
    """A file as Flink leaves it: without the partition column, which stands in the folder's name."""
    table = pa.table(
        {
            "origin": [o for o, _, _ in rows],
            "day": [date(2013, 1, d) for _, d, _ in rows],
            "flights": pa.array([n for _, _, n in rows], pa.int64()),
            "mean": pa.array([None] * len(rows), pa.decimal128(6, 2)),
        }
    )
    path = f"_staged/s1/day_month=2013-01-01/{name}.parquet"
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    raw = sink.getvalue().to_pybytes()
    obstore.put(warehouse.objects, f"hourly/{path}", raw)
    return DeltaFile(path, len(raw), {"day_month": "2013-01-01"}, "{}")


def held_batch(warehouse: Warehouse) -> int | None:
    return DeltaTable(warehouse.table_uri("hourly")).transaction_version("a")


def held(warehouse: Warehouse) -> list[Row]:
    rows = DeltaTable(warehouse.table_uri("hourly")).to_pyarrow_table().to_pylist()
    return sorted((r["origin"], r["day"].day, r["flights"]) for r in rows)


def amend(warehouse: Warehouse, batch: int, *files: DeltaFile) -> int:
    return amend_batch(warehouse, HOURLY, Transaction("hourly/hourly", batch), files)


def test_the_last_row_of_a_key_is_the_newest() -> None:
    rows = pa.table({"k": ["a", "b", "a", "b", "a"], "v": [1, 2, 3, 4, 5]})
    assert newest_rows(rows, ("k",)).to_pylist() == [{"k": "b", "v": 4}, {"k": "a", "v": 5}]


def test_rows_come_in_the_order_of_their_files(warehouse: Warehouse) -> None:
    files = [staged(warehouse, name, [("JFK", 1, n)]) for n, name in enumerate("zay")]
    rows: list[dict[str, Any]] = read_rows(warehouse, HOURLY, [f.path for f in files]).to_pylist()
    assert [r["flights"] for r in rows] == [0, 1, 2]
    assert {r["day_month"] for r in rows} == {date(2013, 1, 1)}


def test_newer_rows_replace_older_ones_and_others_stay(warehouse: Warehouse) -> None:
    amend(warehouse, 1, staged(warehouse, "a", [("JFK", 1, 1), ("EWR", 1, 5), ("JFK", 1, 2)]))
    assert held(warehouse) == [("EWR", 1, 5), ("JFK", 1, 2)]
    amend(warehouse, 2, staged(warehouse, "b", [("JFK", 1, 3)]), staged(warehouse, "c", [("LGA", 2, 9)]))
    assert held(warehouse) == [("EWR", 1, 5), ("JFK", 1, 3), ("LGA", 2, 9)]


def test_a_batch_that_is_repeated_changes_nothing(warehouse: Warehouse) -> None:
    first, second = staged(warehouse, "a", [("JFK", 1, 1)]), staged(warehouse, "b", [("JFK", 1, 2)])
    amend(warehouse, 1, first)
    version = amend(warehouse, 2, second)
    assert amend(warehouse, 1, first) < version
    assert amend(warehouse, 2, second) == version
    assert held(warehouse) == [("JFK", 1, 2)]


def test_a_batch_without_rows_of_the_table_keeps_its_number(warehouse: Warehouse) -> None:
    amend(warehouse, 1, staged(warehouse, "a", [("JFK", 1, 1)]))
    amend(warehouse, 2)
    assert DeltaTable(warehouse.table_uri("hourly")).transaction_version("hourly/hourly") == 2
    assert held(warehouse) == [("JFK", 1, 1)]


def test_a_table_continues_from_an_earlier_version(warehouse: Warehouse) -> None:
    first = amend_batch(warehouse, HOURLY, Transaction("a", 1), [staged(warehouse, "a", [("JFK", 1, 5)])])
    amend_batch(
        warehouse, HOURLY, Transaction("a", 2), [staged(warehouse, "b", [("JFK", 1, 9), ("LGA", 1, 1)])]
    )
    fork = [staged(warehouse, "c", [("JFK", 1, 6), ("EWR", 2, 3)])]
    for _ in range(2):
        amend_from(warehouse, HOURLY, Transaction("a", 3), first, fork)
        assert held(warehouse) == [("EWR", 2, 3), ("JFK", 1, 6)]
    amend_from(warehouse, HOURLY, Transaction("a", 4), None, fork[:0])
    assert held(warehouse) == []


def test_a_table_does_not_continue_from_a_version_whose_files_are_gone(warehouse: Warehouse) -> None:
    first = amend_batch(warehouse, HOURLY, Transaction("a", 1), [staged(warehouse, "a", [("JFK", 1, 5)])])
    for key in [k for k in warehouse.keys("hourly/") if "_delta_log" not in k and "_staged" not in k]:
        warehouse.delete(key)
    with pytest.raises((OSError, DeltaError)):
        amended_rows(warehouse, HOURLY, first, [])
    assert held_batch(warehouse) == 1
