"""Times that Python cannot hold are given as text; all else as Python's values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from headrace.read.values import records, values

US = pa.timestamp("us", "UTC")
YEAR_10000 = 253_402_300_800_000_000


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (US, YEAR_10000, "+10000-01-01T00:00:00+00:00"),
        (US, YEAR_10000 + 1, "+10000-01-01T00:00:00.000001+00:00"),
        (US, (1 << 63) - 1, "+294247-01-10T04:00:54.775807+00:00"),
        (US, -(1 << 63), "-290308-12-21T19:59:05.224192+00:00"),
        (US, -62_135_596_800_000_001, "+0000-12-31T23:59:59.999999+00:00"),
        (pa.timestamp("ms"), YEAR_10000 // 1000, "+10000-01-01T00:00:00"),
        (pa.timestamp("s"), YEAR_10000 // 1_000_000, "+10000-01-01T00:00:00"),
        (pa.date32(), 2_932_897, "+10000-01-01"),
        (pa.date32(), -719_163, "+0000-12-31"),
        (pa.duration("s"), (1 << 63) - 1, "9223372036854775807"),
    ],
)
def test_what_lies_beyond_the_calendar_is_text(kind: pa.DataType, value: int, shown: str) -> None:
    column = pa.array([value], pa.int32() if pa.types.is_date32(kind) else pa.int64()).cast(kind)
    assert values(column) == [shown]


def test_its_neighbours_stay_what_they_are() -> None:
    within, beyond = dt.datetime.max.replace(tzinfo=dt.timezone.utc), "+10000-01-01T00:00:00+00:00"
    times = pa.array([YEAR_10000 - 1, None, YEAR_10000], pa.int64()).cast(US)
    assert values(pa.chunked_array([times])) == [within, None, beyond]
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 3]), times)
    structs = pa.StructArray.from_arrays([times, pa.array([1, 2, 3])], ["at", "n"])
    assert values(lists) == [[within], [None, beyond]]
    rows: list[dict[str, Any]] = records(pa.table({"s": structs.slice(2), "n": [7]}))
    assert rows == [{"s": {"at": beyond, "n": 3}, "n": 7}]
