"""Rows of an ingest job's tables by their positions: partition and offset in the topic.

A record's row may be in a file that publish registered, in one that a patch or a rewrite made, or in one that
another program made (a compaction). Its position finds it in any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from headrace.offsets import OffsetArray
from headrace.positions import Mask, Positions
from headrace.read.rows import read_rows
from headrace.read.tables import open_table
from headrace.storage.parallel import each
from headrace.storage.warehouse import Warehouse
from headrace.table.columns import OFFSET, PARTITION
from headrace.table.outputs import Output

REWRITTEN = "_staged/rewritten"
"""The folder of files that hold what remains of others."""


PATCHED = "_staged/patch-"
"""How the folder of a patch's files begins."""


RowFilter = Callable[[npt.NDArray[np.int32], OffsetArray], Mask]
"""Partitions and offsets of rows → which of these rows are selected."""


def unregistered_paths(active: Iterable[str]) -> list[str]:
    """Paths of active files that no batch of the branch has registered."""
    return sorted(
        p for p in active if not p.startswith("_staged/") or p.startswith((f"{REWRITTEN}/", PATCHED))
    )


def at_or_after(frontier: Mapping[int, int]) -> RowFilter:
    """Selects rows of the topic at or after a frontier; those of a backfill come from files."""

    def selected(partitions: npt.NDArray[np.int32], offsets: OffsetArray) -> Mask:
        mask = np.zeros(len(offsets), dtype=bool)
        for partition in np.unique(partitions[partitions >= 0]):
            mask |= (partitions == partition) & (offsets >= frontier.get(int(partition), 0))
        return mask

    return selected


def files_with(snapshot: DeltaTable, positions: Positions) -> list[str]:
    """Paths of active files that could hold one of these records, by the bounds in the log."""
    return [path for path, p, o in _bounds(snapshot) if None in (*p, *o) or positions.may_overlap(p, o)]


def files_at_or_after(snapshot: DeltaTable, frontier: Mapping[int, int]) -> list[str]:
    """Paths of active files that could hold a record at or after a frontier, by the bounds in the log."""
    return [
        path
        for path, p, o in _bounds(snapshot)
        if None in (*p, *o) or any(o[1] >= frontier.get(n, 0) for n in range(max(p[0], 0), p[1] + 1))
    ]


def _bounds(snapshot: DeltaTable) -> Iterator[tuple[str, tuple[Any, Any], tuple[Any, Any]]]:
    """Each active file with its lowest and highest partition and offset; None where the log has no bounds."""
    files = pa.table(snapshot.get_add_actions(flatten=True))
    names = [f"{side}.{c}" for c in (PARTITION.name, OFFSET.name) for side in ("min", "max")]
    bounds = [files[n].to_pylist() if n in files.schema.names else [None] * len(files) for n in names]
    for path, p0, p1, o0, o1 in zip(files["path"].to_pylist(), *bounds, strict=True):
        yield path, (p0, p1), (o0, o1)


def rows_of(
    warehouse: Warehouse, output: Output, version: int | None, where: Positions | Mapping[int, int]
) -> pa.Table:
    """Rows of a table's version (None: the newest): of these records, or all at or after a frontier."""
    paths, wanted = select(open_table(warehouse, output.id, version), where)
    rows = read_rows(warehouse, output, paths)
    return rows.filter(pa.array(wanted(rows[PARTITION.name].to_numpy(), rows[OFFSET.name].to_numpy())))


def select(table: DeltaTable | None, where: Positions | Mapping[int, int]) -> tuple[list[str], RowFilter]:
    """Files that could hold these rows, and the filter that selects them."""
    if isinstance(where, Positions):
        return files_with(table, where) if table else [], where.holds
    return files_at_or_after(table, where) if table else [], at_or_after(where)


def positions_held(
    warehouse: Warehouse, output: Output, snapshot: DeltaTable, positions: Positions
) -> Positions:
    """Which of these records the table holds."""
    rows = each(lambda path: positions_in(warehouse, output.id, path), files_with(snapshot, positions))
    parts = [Positions.of_rows(p[mask], o[mask]) for p, o in rows for mask in [positions.holds(p, o)]]
    return Positions.union(part.offsets for part in parts)


def positions_in(warehouse: Warehouse, output: str, path: str) -> tuple[npt.NDArray[np.int32], OffsetArray]:
    """Partition and offset of each row of a file."""
    raw = pa.BufferReader(warehouse.read(f"{output}/{path}"))
    rows = pq.read_table(raw, columns=[PARTITION.name, OFFSET.name], partitioning=None)
    return rows[PARTITION.name].to_numpy(), rows[OFFSET.name].to_numpy()
