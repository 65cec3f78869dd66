"""Rows before and after, record by record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.cli.pages.diff_html import diff_page
from headrace.contract.column_type import DATE, INT
from headrace.contract.load import load
from headrace.errors import UsageError
from headrace.job.declaration import Ingest
from headrace.job.ingest import IngestProgram
from headrace.ledger import patches
from headrace.read import rows
from headrace.read.tables import open_table, stream_batches
from headrace.replay import diff
from headrace.replay.compare import Diff, Sample, compare
from headrace.replay.compare_keyed import compare_keyed
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from headrace.table.columns import TableColumn
from headrace.table.outputs import Output
from tests.ledger.sample_records import replay
from tests.publish.sealed_lake import CONTRACT, Lake, compact, publish_two_batches

DATA = pa.schema({"id": pa.int32(), "amount": pa.string(), "_partition": pa.int32(), "_offset": pa.int64()})
BAD = pa.schema(
    {
        "reason": pa.string(),
        "contract_version": pa.string(),
        "_partition": pa.int32(),
        "_offset": pa.int64(),
    }
)


def side(data: list[tuple[Any, ...]], bad: list[tuple[Any, ...]]) -> dict[str, pa.Table]:
    return {
        "t__quarantine": pa.Table.from_pylist([dict(zip(BAD.names, r, strict=True)) for r in bad], BAD),
        "t": pa.Table.from_pylist([dict(zip(DATA.names, r, strict=True)) for r in data], DATA),
    }


BEFORE = side(
    data=[(1, "a", 0, 0), (2, None, 0, 2), (3, "c", 1, 0), (9, "z", 0, 3)], bad=[("rule", "1", 0, 1)]
)


def test_equal_rows_are_no_difference_in_any_order_and_contract_version() -> None:
    after = side(
        data=[(3, "c", 1, 0), (9, "z", 0, 3), (2, None, 0, 2), (1, "a", 0, 0)], bad=[("rule", "2", 0, 1)]
    )
    difference = compare(BEFORE, after)
    assert (difference.compared, difference.same, difference.moved, difference.changed) == (5, 5, {}, {})
    assert (difference.lost, difference.added, difference.samples) == ({}, {}, [])


def test_moves_and_changes_are_counted_by_table_column_and_partition() -> None:
    after = side(
        data=[(1, "A", 0, 0), (5, "b", 0, 1), (2, "x", 0, 2), (9, "z", 0, 3)], bad=[("new", "2", 1, 0)]
    )
    difference = compare(BEFORE, after)
    assert difference.moved == {"t__quarantine → t": 1, "t → t__quarantine": 1}
    assert difference.changed == {"t": {"amount": 2}}
    assert difference.partitions == {
        "0": {"compared": 4, "changed": 2, "moved": 1, "gone": 0, "come": 0},
        "1": {"compared": 1, "changed": 0, "moved": 1, "gone": 0, "come": 0},
    }
    assert difference.samples[:2] == [
        Sample("0:0", "t", "t", {"amount": ("a", "A")}),
        Sample(
            "0:1", "t__quarantine", "t", {"reason": ("rule", None), "id": (None, 5), "amount": (None, "b")}
        ),
    ]


def test_any_partition_and_any_offset_is_compared() -> None:
    ends = [(1, 0), (32_768, 1 << 48), ((1 << 31) - 1, (1 << 63) - 2), (-7, 3)]
    before = side(data=[(n, "a", *place) for n, place in enumerate(ends)], bad=[])
    after = side(data=[(n, "b" if n == 2 else "a", *place) for n, place in enumerate(ends)], bad=[])
    difference = compare(before, after, whole=True)
    assert (difference.compared, difference.same, difference.changed) == (4, 3, {"t": {"amount": 1}})
    assert list(difference.partitions) == ["-7", "1", "32768", "2147483647"]
    assert [s.position for s in difference.samples] == ["2147483647:9223372036854775806"]


def test_only_what_both_sides_have_read_is_compared() -> None:
    after = side(data=[(1, "a", 0, 0)], bad=[("rule", "1", 0, 1), ("rule", "1", 2, 0)])
    difference = compare(BEFORE, after)
    assert (difference.compared, difference.same, difference.lost, difference.added) == (2, 2, {}, {})


def test_a_record_missing_on_one_side_is_reported() -> None:
    after = side(data=[(1, "a", 0, 0), (9, "z", 0, 3), (3, "c", 1, 0)], bad=[("rule", "1", 0, 1)])
    lost, added = compare(BEFORE, after), compare(after, BEFORE)
    assert (lost.lost, added.added) == ({"records": 1}, {"records": 1})
    assert [(n["gone"], n["come"]) for n in (lost.partitions["0"], added.partitions["0"])] == [(1, 0), (0, 1)]
    assert lost.samples == [Sample("0:2", "t", "", {"id": (2, None)})]
    assert added.samples == [Sample("0:2", "", "t", {"id": (None, 2)})]


def test_values_in_json_are_data() -> None:
    at = datetime(2026, 1, 1, tzinfo=timezone.utc)
    sample = Sample("0:1", "t", "t", {"at": (at, None), "raw": (b"{}", b"x"), "n": (Decimal("1.50"), 2)})
    (sample_json,) = Diff(1, 0, {}, {}, {}, {}, {}, [sample]).to_json()["samples"]
    assert json.loads(json.dumps(sample_json))["values"] == {
        "at": ["2026-01-01T00:00:00+00:00", None],
        "raw": ["e30=", "eA=="],
        "n": ["1.50", 2],
    }


def test_two_empty_sides_have_no_difference() -> None:
    difference = compare(side([], []), side([], []))
    assert (difference.compared, difference.partitions) == (0, {})


def test_the_page_shows_values_as_text() -> None:
    after = side(
        data=[(1, "<b>", 0, 0), (2, None, 0, 2), (3, "c", 1, 0), (9, "z", 0, 3)], bad=[("rule", "1", 0, 1)]
    )
    planned = replay(number=1, why="a <rule>", by="me", at="now")
    page = diff_page("t", planned, compare(BEFORE, after))
    assert "a &lt;rule&gt;" in page
    assert "<code>&lt;b&gt;</code>" in page
    assert "<b>" not in page.replace("<b>&", "")


TOTALS = Output(
    "totals",
    (
        TableColumn("lane", INT, nullable=False),
        TableColumn("n", INT, nullable=True),
        TableColumn("day", DATE, nullable=False, partition=True),
    ),
    mode="amend",
    key=("lane",),
)


def totals(*rows: tuple[int, int | None, str]) -> dict[str, pa.Table]:
    return {"totals": pa.Table.from_pylist([dict(zip(("lane", "n", "day"), r, strict=True)) for r in rows])}


def test_rows_of_a_derived_table_are_compared_by_their_key() -> None:
    before = totals((1, 10, "a"), (2, 20, "a"), (3, None, "b"))
    after = totals((4, 5, "b"), (2, 21, "a"), (1, 10, "a"))
    difference = compare_keyed(before, after, {"totals": TOTALS})
    assert (difference.compared, difference.same, difference.changed) == (4, 1, {"totals": {"n": 1}})
    assert (difference.lost, difference.added) == ({"totals": 1}, {"totals": 1})
    assert difference.partitions == {
        "totals day=a": {"compared": 2, "changed": 1, "moved": 0, "gone": 0, "come": 0},
        "totals day=b": {"compared": 2, "changed": 0, "moved": 0, "gone": 1, "come": 1},
    }
    assert difference.samples == [
        Sample("lane=2", "totals", "totals", {"n": (20, 21)}),
        Sample("lane=3", "totals", "", {"n": (None, None), "day": ("b", None)}),
        Sample("lane=4", "", "totals", {"n": (None, 5), "day": (None, "b")}),
    ]


def test_rows_without_a_key_are_compared_whole_and_counted() -> None:
    rows = replace(TOTALS, mode="append", key=())
    before, after = totals((1, 1, "a"), (1, 1, "a"), (2, 2, "a")), totals((1, 1, "a"), (2, 3, "a"))
    difference = compare_keyed(before, after, {"totals": rows})
    assert (difference.same, difference.lost, difference.added) == (0, {"totals": 2}, {"totals": 1})


def test_two_batches_are_compared_and_what_both_hold_is_only_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))
    publish_two_batches(lake)
    program = IngestProgram(Ingest("events"), lake.contract, (lake.contract,))
    lake.patcher().publish(lake.judge(patches.REDRIVE, good=range(25, 27)))
    lake.seal(1, range(30, 40))
    lake.publish()
    read: list[str] = []
    monkeypatch.setattr(diff, "read_rows", _listening(read))

    difference = diff.batch_diff(lake.ledger, program, 2, 4, 1)
    assert (difference.compared, difference.same) == (30, 28)
    assert (difference.added, difference.lost) == ({"records": 10}, {})
    assert difference.moved == {"events__quarantine → events": 2}
    assert [s.position for s in difference.samples] == ["0:25"]
    assert not any(path.endswith("part-2.parquet") for path in read), "in both batches"
    none = diff.batch_diff(lake.ledger, program, 4, 4, 1)
    assert (none.compared, none.same, none.added, none.moved) == (40, 40, {}, {})
    compact(lake)
    lake.seal(1, range(40, 41))
    lake.publish()
    difference = diff.batch_diff(lake.ledger, program, 4, 5, 1)
    assert (difference.same, difference.added, difference.moved) == (40, {"records": 1}, {}), (
        "a compaction changes nothing"
    )
    deleted = tmp_path / "lake/events/_staged/s1/at_day=2026-01-01/part-3.parquet"
    deleted.rename(tmp_path / "aside")
    with pytest.raises(UsageError, match=r"is gone") as refused:
        diff.batch_diff(lake.ledger, program, 1, 2, 0)
    assert "part-3.parquet" in refused.value.where
    table = open_table(lake.warehouse, "events", 2)
    assert table
    with pytest.raises(UsageError, match=r"is gone"):
        list(stream_batches(table, ["_offset"]))
    (tmp_path / "aside").rename(deleted)
    first = diff.batch_diff(lake.ledger, program, 1, 2, 0)
    assert (first.same, first.added) == (20, {"records": 10})


def _listening(read: list[str]) -> Any:
    def read_rows(warehouse: Warehouse, output: Output, paths: Sequence[str]) -> pa.Table:
        read.extend(paths)
        return rows.read_rows(warehouse, output, paths)

    return read_rows
