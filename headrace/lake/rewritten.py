"""Rows taken out of files by their positions: what stays of a file is written once more.

A file that publish registered is told by its name. Other files hold rows of an ingest job too: a compaction
made them, or a patch, or this module. Each row has its position in the topic, so a replay takes out of them
what lies behind its fork point, and a patch what it puts in anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import obstore
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from headrace.errors import UsageError
from headrace.lake.amend import read_rows
from headrace.lake.delta import Added, active
from headrace.lake.manifests import READERS
from headrace.lake.positions import Mask, Positions
from headrace.lake.stats import file_statistics
from headrace.lake.store import Warehouse, reached
from headrace.lake.tables import open_table
from headrace.ledger.records import PatchBatch, StagedFile, UndoBatch
from headrace.offsets import OffsetArray
from headrace.table.columns import OFFSET, PARTITION
from headrace.table.outputs import Output

T = TypeVar("T")

FOLDER = "_staged/rewritten"
PATCHED = "_staged/patch-"
"""How the folder of a patch's files begins."""

Goes = Callable[[npt.NDArray[np.int32], OffsetArray], Mask]
"""Told partitions and offsets of rows: which of them go."""


@dataclass(frozen=True)
class Rewrite:
    """What a commit takes out, and puts in for it."""

    going: list[Added]
    coming: list[Added]
    taken: Positions
    """The rows that are gone behind it."""


def foreign(active: Iterable[str]) -> list[str]:
    """Paths of active files that no batch of the branch has registered."""
    return sorted(p for p in active if not p.startswith("_staged/") or p.startswith((f"{FOLDER}/", PATCHED)))


def partition_of(path: str) -> dict[str, str]:
    """Partition values out of folder names."""
    folders = (folder.partition("=") for folder in path.split("/")[:-1])
    return {name: unquote(value) for name, is_value, value in folders if is_value}


def behind(frontier: Mapping[int, int]) -> Goes:
    """Rows of the topic at or behind a frontier; what came from files (a backfill) is not of the topic."""

    def goes(partitions: npt.NDArray[np.int32], offsets: OffsetArray) -> Mask:
        found = np.zeros(len(offsets), dtype=bool)
        for partition in np.unique(partitions[partitions >= 0]):
            found |= (partitions == partition) & (offsets >= frontier.get(int(partition), 0))
        return found

    return goes


def meeting(snapshot: DeltaTable, positions: Positions) -> list[str]:
    """Paths of active files that could hold one of these records, by the bounds in the log."""
    return [path for path, p, o in _bounds(snapshot) if None in (*p, *o) or positions.may_meet(p, o)]


def reaching(snapshot: DeltaTable, frontier: Mapping[int, int]) -> list[str]:
    """Paths of active files that could hold a record at or behind a frontier, by the bounds in the log."""
    return [
        path
        for path, p, o in _bounds(snapshot)
        if None in (*p, *o) or any(o[1] >= frontier.get(n, 0) for n in range(max(p[0], 0), p[1] + 1))
    ]


def _bounds(snapshot: DeltaTable) -> Iterator[tuple[str, tuple[Any, Any], tuple[Any, Any]]]:
    """Each active file with its lowest and highest partition and offset; None where the log does not tell."""
    files = pa.table(snapshot.get_add_actions(flatten=True))
    names = [f"{side}.{c}" for c in (PARTITION.name, OFFSET.name) for side in ("min", "max")]
    told = [files[n].to_pylist() if n in files.schema.names else [None] * len(files) for n in names]
    for path, p0, p1, o0, o1 in zip(files["path"].to_pylist(), *told, strict=True):
        yield path, (p0, p1), (o0, o1)


def standing(
    warehouse: Warehouse, output: Output, version: int | None, where: Positions | Mapping[int, int]
) -> pa.Table:
    """Rows of a version of a table (None: the newest): of these records, or all at or behind a frontier."""
    paths, wanted = _chosen(open_table(warehouse, output.id, version), where)
    rows = read_rows(warehouse, output, [Added(path, 0, partition_of(path), "") for path in paths])
    return rows.filter(pa.array(wanted(rows[PARTITION.name].to_numpy(), rows[OFFSET.name].to_numpy())))


def as_it_was(
    warehouse: Warehouse,
    output: Output,
    version: int | None,
    where: Positions | Mapping[int, int],
    folder: str = FOLDER,
    known: Collection[str] = (),
) -> list[StagedFile]:
    """Files that hold the same rows as :func:`standing`: the table's own, or what is wanted of one, written.

    Args:
        warehouse: where the table is.
        output: the table.
        version: the version of it; None: it was not there.
        where: which rows.
        folder: where files are written to, below the table.
        known: files that hold nothing else, and are not named again: they only have to be there.

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
        held = wanted(rows[PARTITION.name].to_numpy(), rows[OFFSET.name].to_numpy())
        if held.all() and path not in there:
            return StagedFile(path=path, size=len(raw))
        if not held.any():
            return None
        added = write(warehouse, output, partition_of(path), rows.filter(pa.array(held)), folder)
        return StagedFile(path=added.path, size=added.size)

    table = None if version is None else open_table(warehouse, output.id, version)
    newest = open_table(warehouse, output.id)
    there = active(newest) if newest else set()
    paths, wanted = _chosen(table, where)
    try:
        return [file for file in _each(one, sorted({*paths, *known})) if file]
    except FileNotFoundError as e:
        raise UsageError(
            f"version {version} of table {output.id} cannot be read any more",
            where=warehouse.table_uri(output.id),
            remedy="nothing was changed. Its files were removed (a vacuum?): the way back is closed",
        ) from e


def _chosen(table: DeltaTable | None, where: Positions | Mapping[int, int]) -> tuple[list[str], Goes]:
    """Files that could hold such rows, and how these are told."""
    if isinstance(where, Positions):
        return meeting(table, where) if table else [], where.holds
    return reaching(table, where) if table else [], behind(where)


def found(warehouse: Warehouse, output: Output, snapshot: DeltaTable, positions: Positions) -> Positions:
    """Which of these records the table holds."""
    held = _each(lambda path: _positions(warehouse, output.id, path), meeting(snapshot, positions))
    there = [Positions.of_rows(p[mask], o[mask]) for p, o in held for mask in [positions.holds(p, o)]]
    return Positions.gathered(part.offsets for part in there)


def take_out(warehouse: Warehouse, output: Output, paths: Sequence[str], goes: Goes) -> Rewrite:
    """Take rows out of files; one that loses none is left alone, one that loses all only goes.

    A file that no commit takes is left where it is: as all staged files, it is ours to collect.
    """

    def one(path: str) -> tuple[bool, Added | None, dict[int, OffsetArray]]:
        partitions, offsets = _positions(warehouse, output.id, path)
        out = goes(partitions, offsets)
        taken = dict(Positions.of_rows(partitions[out], offsets[out]).offsets)
        if not out.any():
            return False, None, taken
        if out.all():
            return True, None, taken
        rows = pq.read_table(pa.BufferReader(warehouse.read(f"{output.id}/{path}")), partitioning=None)
        return True, write(warehouse, output, partition_of(path), rows.filter(pa.array(~out))), taken

    done = _each(one, paths)
    return Rewrite(
        [
            Added(path, 0, partition_of(path), "")
            for path, (is_, _, _) in zip(paths, done, strict=True)
            if is_
        ],
        [left for _, left, _ in done if left],
        Positions.gathered(taken for _, _, taken in done),
    )


def write(
    warehouse: Warehouse, output: Output, partition: Mapping[str, str], rows: pa.Table, folder: str = FOLDER
) -> Added:
    """Write rows into a file of one partition, below a folder of the table."""
    folders = "".join(f"{name}={value}/" for name, value in partition.items())
    path = f"{folder}/{folders}part-{uuid.uuid4()}.parquet"
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd")
    raw = sink.getvalue()
    with reached(warehouse.uri):
        obstore.put(warehouse.objects, f"{output.id}/{path}", raw.to_pybytes())
    with pq.ParquetFile(pa.BufferReader(raw)) as parquet:
        statistics = file_statistics(parquet.metadata, output.columns)
    return Added(path, raw.size, dict(partition), statistics)


def records_of(warehouse: Warehouse, batch: PatchBatch | UndoBatch) -> Positions:
    """The records that a patch's batch is about: those that come in, and those that only go."""
    out = Positions.of_spans(batch.out if isinstance(batch, UndoBatch) else ())
    files = [(o, f.path) for o, told in batch.outputs.items() for f in told.files]
    read = _each(lambda file: Positions.of_rows(*_positions(warehouse, *file)), files)
    return Positions.gathered(found.offsets for found in (out, *read))


def _positions(warehouse: Warehouse, output: str, path: str) -> tuple[npt.NDArray[np.int32], OffsetArray]:
    raw = pa.BufferReader(warehouse.read(f"{output}/{path}"))
    rows = pq.read_table(raw, columns=[PARTITION.name, OFFSET.name], partitioning=None)
    return rows[PARTITION.name].to_numpy(), rows[OFFSET.name].to_numpy()


def _each(work: Callable[[T], Any], files: Sequence[T]) -> list[Any]:
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(work, files))
