"""Files that another program wrote anew, a compaction mostly: their rows are told apart by their positions.

A swap takes out files that publish has registered. Where one of them is not in the table any more, its rows
are in files that are not ours. Each row of an ingest job's tables has its position in the topic, so the rows
that stay are those before the frontier at the fork point: they are written once more, the foreign files go.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import numpy as np
import obstore
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.lake.delta import Added
from headrace.lake.stats import file_statistics
from headrace.lake.store import Warehouse, reached
from headrace.table.columns import TableColumn

FOLDER = "_staged/rewritten"


def foreign(active: Iterable[str]) -> list[str]:
    """Paths of active files that publish has not registered."""
    return sorted(p for p in active if not p.startswith("_staged/") or p.startswith(f"{FOLDER}/"))


def partition_of(path: str) -> dict[str, str]:
    """Partition values out of folder names."""
    folders = (folder.partition("=") for folder in path.split("/")[:-1])
    return {name: unquote(value) for name, is_value, value in folders if is_value}


def kept(
    warehouse: Warehouse,
    table: str,
    columns: tuple[TableColumn, ...],
    paths: Iterable[str],
    frontier: Mapping[int, int],
) -> list[Added]:
    """Write the rows before the frontier into files of our own, one for each that has any.

    A file that no commit takes is left where it is: as all staged files, it is ours to collect.
    """
    found = []
    for path in paths:
        rows = pq.read_table(pa.BufferReader(warehouse.read(f"{table}/{path}")), partitioning=None)
        partitions, offsets = rows["_partition"].to_numpy(), rows["_offset"].to_numpy()
        ends = np.array([frontier.get(int(p), 0) for p in partitions], np.int64)
        stays = rows.filter(pa.array(offsets < ends))
        if stays.num_rows:
            found.append(_written(warehouse, table, columns, partition_of(path), stays))
    return found


def _written(
    warehouse: Warehouse,
    table: str,
    columns: tuple[TableColumn, ...],
    partition: dict[str, str],
    rows: pa.Table,
) -> Added:
    folders = "".join(f"{name}={value}/" for name, value in partition.items())
    path = f"{FOLDER}/{folders}part-{uuid.uuid4()}.parquet"
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd")
    raw = sink.getvalue()
    with reached(warehouse.uri):
        obstore.put(warehouse.objects, f"{table}/{path}", raw.to_pybytes())
    with pq.ParquetFile(pa.BufferReader(raw)) as parquet:
        statistics = file_statistics(parquet.metadata, columns)
    return Added(path, raw.size, partition, statistics)
