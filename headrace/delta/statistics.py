"""Parquet footers as Delta file statistics, so that readers skip files without opening them."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

from headrace.contract.column_type import BinaryType
from headrace.table.columns import TableColumn

LONGEST = 32
"""Delta keeps prefixes of strings. A cut minimum still bounds; a cut maximum does not, so it is left out."""


def file_statistics(footer: Any, columns: tuple[TableColumn, ...]) -> str:
    """Statistics of one file (``pyarrow.parquet.FileMetaData``) for the columns that the file holds.

    A bound that is not known exactly is left out: without it, readers open the file.
    """
    bounded = {c.name for c in columns if _has_bounds(c)}
    known: dict[str, _ColumnStatistics] = {}
    for chunk in _chunks(footer):
        if chunk.path_in_schema in bounded:
            known.setdefault(chunk.path_in_schema, _ColumnStatistics()).include(chunk)
    exact = {name: column for name, column in known.items() if column.exact}
    return json.dumps(
        {
            "numRecords": footer.num_rows,
            "minValues": _without_none({name: _low(column.low) for name, column in exact.items()}),
            "maxValues": _without_none({name: _high(column.high) for name, column in exact.items()}),
            "nullCount": {name: column.nulls for name, column in exact.items()},
        }
    )


def _has_bounds(column: TableColumn) -> bool:
    return not (column.partition or column.when_needed or isinstance(column.type, BinaryType))


def _without_none(bounds: dict[str, Any]) -> dict[str, Any]:
    return {name: bound for name, bound in bounds.items() if bound is not None}


@dataclass
class _ColumnStatistics:
    """Bounds and NULLs of one column, over the row groups of a file."""

    low: Any = None
    high: Any = None
    nulls: int = 0
    exact: bool = True
    """Whether every row group has statistics that Python can hold."""

    def include(self, chunk: Any) -> None:
        """Add the statistics of one row group."""
        statistics = chunk.statistics
        if statistics is None or statistics.null_count is None:  # parquet drops statistics of long values
            self.exact = False
            return
        self.nulls += statistics.null_count
        if statistics.has_min_max:
            self._widen(_bounds(chunk))
        elif statistics.null_count != chunk.num_values:
            self.exact = False

    def _widen(self, bounds: tuple[Any, Any] | None) -> None:
        if bounds is None:
            self.exact = False
            return
        self.low = bounds[0] if self.low is None else min(self.low, bounds[0])
        self.high = bounds[1] if self.high is None else max(self.high, bounds[1])


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
    names = {
        chunk.path_in_schema
        for chunk in _chunks(footer)
        if chunk.path_in_schema in columns
        and (chunk.statistics is None or chunk.statistics.null_count != chunk.num_values)
    }
    return tuple(sorted(names))


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
