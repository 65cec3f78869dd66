"""What publish reads from a staged file: its footer, positions and Kafka times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.delta.shape import file_differs
from headrace.delta.statistics import columns_with_values, file_statistics, unbounded_times
from headrace.errors import OtherColumnsError
from headrace.files import RecordedFile, StagedFile
from headrace.offsets import OffsetArray
from headrace.positions import Positions
from headrace.storage.parallel import each
from headrace.storage.warehouse import Warehouse
from headrace.table.columns import OFFSET, PARTITION, TIME, WHEN_NEEDED, TableColumn


@dataclass(frozen=True)
class ReadFile:
    """What publish knows of a staged file after one look at its footer and two of its columns."""

    file: StagedFile
    rows: int
    statistics: str
    """Delta's file statistics, as JSON."""
    positions: dict[int, OffsetArray]
    """Offsets in the file, by partition, in the file's order; empty where rows are not records of a topic."""
    holds: tuple[str, ...] = ()
    """Which of the columns that a table has only when they are needed hold a value here."""
    unbounded: tuple[str, ...] = ()
    """Columns with times outside the years 1 to 9999: readers get no bounds for them."""
    wrapped: int = 0
    """Rows whose Kafka time is not what the record said."""

    def recorded(self, manifest: str | None = None) -> RecordedFile:
        """As records keep it, with the manifest that names it."""
        return RecordedFile(
            path=self.file.path,
            size=self.file.size,
            rows=self.rows,
            partition=self.file.partition,
            statistics=self.statistics,
            holds=self.holds,
            manifest=manifest,
        )


FilesRead = dict[str, list[ReadFile]]
"""By output."""


def positions_of(files: FilesRead) -> Positions:
    """Every record that has a row in these files."""
    return Positions.union(f.positions for of_output in files.values() for f in of_output)


def read_files(
    warehouse: Warehouse, output: str, files: Iterable[StagedFile], columns: tuple[TableColumn, ...]
) -> list[ReadFile]:
    """Look at each file, many side by side."""
    return each(lambda f: _read(warehouse, output, f, columns), files)


def _read(warehouse: Warehouse, output: str, file: StagedFile, columns: tuple[TableColumn, ...]) -> ReadFile:
    # A staged file is small (one checkpoint of one writer): one request for all of it costs less than three.
    raw = warehouse.read(f"{output}/{file.path}")
    with pq.ParquetFile(pa.BufferReader(raw)) as parquet:
        _refuse_other_columns(f"{output}/{file.path}", parquet, columns)
        wanted = [c.name for c in (PARTITION, OFFSET, TIME) if c in columns]
        rows = parquet.read(columns=wanted, use_threads=False)
        placed = {PARTITION.name, OFFSET.name} <= set(wanted)
        footer = parquet.metadata
    return ReadFile(
        file,
        footer.num_rows,
        file_statistics(footer, columns),
        _by_partition(rows) if placed else {},
        columns_with_values(footer, WHEN_NEEDED),
        unbounded_times(footer),
        _wrapped(rows[TIME.name]) if TIME.name in wanted else 0,
    )


def _wrapped(times: pa.ChunkedArray) -> int:
    """How many Kafka times cannot be what the records said: they wrapped around when they were written.

    Before timestamps were judged, 64 bits of milliseconds were written as 64 bits of microseconds. What
    became of those that do not fit is negative, or no whole millisecond: 2^64 is not a multiple of 1,000.
    Only multiples of 2^61 ms, and what lies less than 292,000 years after one, look like true times.
    """
    micros: OffsetArray = times.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    return int(np.count_nonzero((micros < 0) | (micros % 1000 != 0)))


def _refuse_other_columns(path: str, file: pq.ParquetFile, columns: tuple[TableColumn, ...]) -> None:
    """A file that was written under another contract would show NULL where it has no column."""
    if differ := file_differs(file, columns):
        raise OtherColumnsError(
            f"a staged file has other columns than the contract: {'; '.join(differ)}",
            where=path,
            remedy="publish what the former contract staged before changing it: put that version back first",
        )


def _by_partition(table: pa.Table) -> dict[int, OffsetArray]:
    partitions: OffsetArray = table["_partition"].to_numpy()
    offsets: OffsetArray = table["_offset"].to_numpy()
    return {int(p): offsets[partitions == p] for p in np.unique(partitions)}
