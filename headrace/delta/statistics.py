"""Parquet footers as Delta file statistics, so that readers skip files without opening them."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

from headrace.contract.column_type import BinaryType
from headrace.table.columns import TableColumn

LONGEST = 32
"""Delta keeps prefixes of strings. A cut minimum still bounds; a cut maximum does not, so it is left out."""


def file_statistics(footer: Any, columns: tuple[TableColumn, ...]) -> str:
    """Statistics of one file (``pyarrow.parquet.FileMetaData``) for the columns that the file holds.

    A bound that cannot be told exactly is left out: without it, readers open the file.
    """
    bounded = (c for c in columns if not (c.partition or c.when_needed or isinstance(c.type, BinaryType)))
    wanted = {c.name for c in bounded}
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    unbounded: set[str] = set()
    for chunk in _chunks(footer):
        name, found = chunk.path_in_schema, chunk.statistics
        if name not in wanted:
            continue
        if found is None or found.null_count is None:  # parquet drops statistics of long values
            unbounded.add(name)
            continue
        nulls[name] = nulls.get(name, 0) + found.null_count
        if not found.has_min_max:
            if found.null_count != chunk.num_values:
                unbounded.add(name)
            continue
        if (bounds := _bounds(chunk)) is None:
            unbounded.add(name)
            continue
        low[name] = min(low.get(name, bounds[0]), bounds[0])
        high[name] = max(high.get(name, bounds[1]), bounds[1])
    return json.dumps(
        {
            "numRecords": footer.num_rows,
            "minValues": {k: w for k, v in low.items() if k not in unbounded and (w := _low(v)) is not None},
            "maxValues": {
                k: w for k, v in high.items() if k not in unbounded and (w := _high(v)) is not None
            },
            "nullCount": {k: n for k, n in nulls.items() if k not in unbounded},
        }
    )


def unbounded_times(footer: Any) -> tuple[str, ...]:
    """Columns whose bounds Python cannot hold: some of their times lie outside the years 1 to 9999."""
    return tuple(sorted({chunk.path_in_schema for chunk in _chunks(footer) if _bounds(chunk) is None}))


def _bounds(chunk: Any) -> tuple[Any, Any] | None:
    """Minimum and maximum; None where Python has no such times."""
    try:
        return (chunk.statistics.min, chunk.statistics.max) if chunk.statistics else (None, None)
    except (OverflowError, ValueError):
        return None


def columns_with_values(footer: Any, columns: Collection[str]) -> tuple[str, ...]:
    """Those of the columns in which the file holds a value that is not NULL."""
    found = {
        chunk.path_in_schema
        for chunk in _chunks(footer)
        if chunk.path_in_schema in columns
        and (chunk.statistics is None or chunk.statistics.null_count != chunk.num_values)
    }
    return tuple(sorted(found))


def _chunks(footer: Any) -> Iterator[Any]:
    for group in range(footer.num_row_groups):
        for index in range(footer.num_columns):
            yield footer.row_group(group).column(index)


def _low(value: Any) -> Any:
    return value[:LONGEST] if isinstance(value, str) else _plain(value)


def _high(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONGEST else None
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value
        return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        # Readers take the bound as a JSON number: one that a double cannot hold would hide rows.
        return float(value) if Decimal(repr(float(value))) == value else None
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no infinity
    return value
