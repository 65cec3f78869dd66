"""File statistics never hide a row: a bound that is not exact is left out."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.contract.column_type import BIGINT, MICROS, STRING
from headrace.delta.statistics import columns_with_values, file_statistics, unbounded_times
from headrace.table.columns import TableColumn

C = (TableColumn("c", STRING),)


def group(low: Any, high: Any, nulls: int | None = 0, *, stats: bool = True) -> SimpleNamespace:
    bounds_read = SimpleNamespace(min=low, max=high, null_count=nulls, has_min_max=low is not None)
    column = SimpleNamespace(path_in_schema="c", statistics=bounds_read if stats else None, num_values=1)
    return SimpleNamespace(column=lambda _i: column)


def footer(*groups: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(
        num_row_groups=len(groups), num_columns=1, num_rows=len(groups), row_group=lambda i: groups[i]
    )


def statistics(*groups: SimpleNamespace) -> dict[str, Any]:
    return dict(json.loads(file_statistics(footer(*groups), C)))


@pytest.mark.parametrize(
    ("low", "high", "bounds"),
    [
        (1, 9, ({"c": 1}, {"c": 9})),
        (Decimal("1.25"), Decimal("2.50"), ({"c": 1.25}, {"c": 2.5})),
        (Decimal(9007199254740993), Decimal(9007199254740993), ({}, {})),
        ("a" * 40, "b" * 40, ({"c": "a" * 32}, {})),
        (
            datetime(1, 1, 1),  # noqa: DTZ001 - as Parquet hands it over
            datetime(2013, 1, 1, 5, 15, 0, 1),  # noqa: DTZ001
            ({"c": "0001-01-01T00:00:00.000000Z"}, {"c": "2013-01-01T05:15:00.000001Z"}),
        ),
        (float("-inf"), 1.5, ({}, {"c": 1.5})),
    ],
)
def test_bounds_are_exact_or_absent(low: Any, high: Any, bounds: tuple[Any, Any]) -> None:
    bounds_read = statistics(group(low, high))
    assert (bounds_read["minValues"], bounds_read["maxValues"]) == bounds


def test_bounds_span_all_row_groups() -> None:
    bounds_read = statistics(group(5, 6, 1), group(1, 9, 2))
    assert (bounds_read["minValues"], bounds_read["maxValues"], bounds_read["nullCount"]) == (
        {"c": 1},
        {"c": 9},
        {"c": 3},
    )


def test_a_row_group_without_statistics_leaves_the_column_unbounded() -> None:
    bounds_read = statistics(group(0, 0, stats=False), group(1, 9))
    assert (bounds_read["minValues"], bounds_read["maxValues"], bounds_read["nullCount"]) == ({}, {}, {})


def test_a_group_of_nulls_does_not_hide_the_others_bounds() -> None:
    assert statistics(group(None, None, 1), group(1, 9))["minValues"] == {"c": 1}


def test_a_time_that_python_cannot_hold_leaves_the_column_unbounded() -> None:
    sink = pa.BufferOutputStream()
    beyond = pa.array([0, 253_402_300_800_000_000], pa.int64()).cast(pa.timestamp("us"))
    pq.write_table(pa.table({"c": beyond, "d": [1, 2]}), sink)
    read = pq.read_metadata(pa.BufferReader(sink.getvalue()))
    columns = (TableColumn("c", MICROS), TableColumn("d", BIGINT))
    bounds_read = json.loads(file_statistics(read, columns))
    assert (bounds_read["minValues"], bounds_read["nullCount"]) == ({"d": 1}, {"d": 0})
    assert unbounded_times(read) == ("c",)


def test_a_column_of_nulls_holds_no_values() -> None:
    assert columns_with_values(footer(group(None, None, 1)), ["c"]) == ()
    assert columns_with_values(footer(group(None, None, 1), group(1, 1)), ["c"]) == ("c",)
    assert columns_with_values(footer(group(1, 1, stats=False)), ["c"]) == ("c",)
    assert columns_with_values(footer(group(1, 1)), ["d"]) == ()
