"""Arrow values as Python's. What a table holds is read, also where Python has no such value.

Arrow counts microseconds in 64 bits: 292,000 years to either side. Python's calendar ends with the year
9999, and its conversions raise there. Such a time is given as text, in ISO 8601's form for longer years.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - only its digits are used
_CYCLE = 146_097
"""Days of 400 years, after which the calendar repeats."""
_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000}


def values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """A column's values: Python's own, or text for a time that Python cannot hold."""
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        return [_value(scalar) for scalar in column]


def records(table: pa.Table) -> list[dict[str, Any]]:
    """A table's rows, column by name."""
    rows = zip(*(values(column) for column in table.columns), strict=True)
    return [dict(zip(table.schema.names, row, strict=True)) for row in rows]


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return _beyond(scalar)


def _beyond(scalar: pa.Scalar) -> Any:
    """A value that Python does not have: a time, or a structure that holds one."""
    kind = scalar.type
    if pa.types.is_temporal(kind):
        return _time(scalar)
    if pa.types.is_struct(kind):
        return {field.name: _value(scalar[field.name]) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [_value(item) for item in scalar.values]
    return f"a {kind}"


def _time(scalar: pa.Scalar) -> str:
    """A timestamp or a date outside Python's calendar, or a duration, as text."""
    kind = scalar.type
    if pa.types.is_timestamp(kind):
        days, rest = divmod(scalar.value, _DAY[kind.unit])
        return _text(days, rest, kind.unit) + ("+00:00" if kind.tz else "")
    if pa.types.is_date(kind):
        days = scalar.value if pa.types.is_date32(kind) else scalar.value // _DAY["ms"]
        return _text(days, 0, "s").partition("T")[0]
    return str(scalar.cast(pa.int64()).as_py()) if pa.types.is_duration(kind) else f"a {kind}"


def _text(days: int, rest: int, unit: str) -> str:
    """Days since 1970 and what is left of the day, as ``+10000-01-01T00:00:00``."""
    cycles, within = divmod(days, _CYCLE)
    at = _EPOCH + timedelta(days=within, microseconds=rest * (_DAY["us"] // _DAY[unit]))
    return f"{at.year + 400 * cycles:+05d}{at.isoformat()[4:]}"
