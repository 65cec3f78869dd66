"""Remove rows from files by their positions: what remains of a file is written again.

A file that publish registered is known by its name. Other files hold rows of an ingest job too: a compaction
made them, or a patch, or this module. Each row has its position in the topic, so a replay removes from them
what comes after its fork point, and a patch the rows that it replaces.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import obstore
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.delta.commit import DeltaFile, active_paths
from headrace.delta.statistics import file_statistics
from headrace.errors import UsageError
from headrace.files import StagedFile, partition_of
from headrace.offsets import OffsetArray
from headrace.positions import Positions
from headrace.read.records import REWRITTEN, RowFilter, positions_in, select
from headrace.read.tables import open_table
from headrace.storage.parallel import each
from headrace.storage.warehouse import Warehouse, store_errors
from headrace.table.columns import OFFSET, PARTITION
from headrace.table.outputs import Output


@dataclass(frozen=True)
class Rewrite:
    """The files that a commit removes, and those that it adds in their place."""

    removed: list[DeltaFile]
    added: list[DeltaFile]
    taken: Positions
    """The rows that it removes."""


def restore_files(
    warehouse: Warehouse,
    output: Output,
    version: int | None,
    where: Positions | Mapping[int, int],
    folder: str = REWRITTEN,
    known: Collection[str] = (),
) -> list[StagedFile]:
    """Name files with rows of a table's version; where one also has other rows, write a file without those.

    Args:
        warehouse: where the table is.
        output: the table.
        version: the version of it; None: it did not exist.
        where: which rows.
        folder: where files are written to, below the table.
        known: files that hold nothing else: they have to exist, and are not named again.

    Raises:
        UsageError: that version cannot be read any more.
    """

    def one(path: str) -> StagedFile | None:
        if path in known:
            if not warehouse.has(f"{output.id}/{path}"):
                raise FileNotFoundError(path)
            return None
        raw = warehouse.read(f"{output.id}/{path}")
        rows = pq.read_table(pa.BufferReader(raw), partitioning=None)
        mask = selects(rows[PARTITION.name].to_numpy(), rows[OFFSET.name].to_numpy())
        if mask.all() and path not in active:
            return StagedFile(path=path, size=len(raw))
        if not mask.any():
            return None
        added = write_rows(warehouse, output, partition_of(path), rows.filter(pa.array(mask)), folder)
        return StagedFile(path=added.path, size=added.size)

    table = None if version is None else open_table(warehouse, output.id, version)
    newest = open_table(warehouse, output.id)
    active = active_paths(newest) if newest else set()
    paths, selects = select(table, where)
    try:
        return [file for file in each(one, sorted({*paths, *known})) if file]
    except FileNotFoundError as e:
        raise UsageError(
            f"version {version} of table {output.id} cannot be read any more",
            where=warehouse.table_uri(output.id),
            remedy="nothing was changed. Its files were removed (a vacuum?): it cannot be restored",
        ) from e


def remove_rows(warehouse: Warehouse, output: Output, paths: Sequence[str], selects: RowFilter) -> Rewrite:
    """Write files without the selected rows; one that has none of them stays, one that has only these goes.

    A file that no commit takes is left where it is: as all staged files, it is ours to collect.
    """

    def one(path: str) -> tuple[bool, DeltaFile | None, dict[int, OffsetArray]]:
        partitions, offsets = positions_in(warehouse, output.id, path)
        out = selects(partitions, offsets)
        taken = dict(Positions.of_rows(partitions[out], offsets[out]).offsets)
        if not out.any():
            return False, None, taken
        if out.all():
            return True, None, taken
        rows = pq.read_table(pa.BufferReader(warehouse.read(f"{output.id}/{path}")), partitioning=None)
        return True, write_rows(warehouse, output, partition_of(path), rows.filter(pa.array(~out))), taken

    done = each(one, paths)
    return Rewrite(
        [
            DeltaFile(path, 0, partition_of(path), "")
            for path, (is_, _, _) in zip(paths, done, strict=True)
            if is_
        ],
        [left for _, left, _ in done if left],
        Positions.union(taken for _, _, taken in done),
    )


def write_rows(
    warehouse: Warehouse,
    output: Output,
    partition: Mapping[str, str],
    rows: pa.Table,
    folder: str = REWRITTEN,
) -> DeltaFile:
    """Write rows into a file of one partition, below a folder of the table."""
    folders = "".join(f"{name}={value}/" for name, value in partition.items())
    path = f"{folder}/{folders}part-{uuid.uuid4()}.parquet"
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd")
    raw = sink.getvalue()
    with store_errors(warehouse.uri):
        obstore.put(warehouse.objects, f"{output.id}/{path}", raw.to_pybytes())
    with pq.ParquetFile(pa.BufferReader(raw)) as parquet:
        statistics = file_statistics(parquet.metadata, output.columns)
    return DeltaFile(path, raw.size, dict(partition), statistics)
