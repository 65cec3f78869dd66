"""One commit that puts a replay's files in the place of others, whatever other programs did with those.

Files that publish registered go by their names. In an ingest job's tables other files may hold rows behind
the fork point (a compaction made them, or a patch): of these the rows go, by their positions. Where rows have
none, the table at the fork point is put back, and the replay's files added to it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.transaction import Transaction

from headrace.delta.commit import (
    DeltaFile,
    active_paths,
    add_files,
    commit_once,
    delta_files,
    refuse_duplicates,
)
from headrace.delta.rewrite import remove_rows
from headrace.errors import UsageError
from headrace.files import Baseline, partition_of
from headrace.offsets import Offsets
from headrace.read.records import at_or_after, files_after, unregistered
from headrace.read.tables import open_table, row_count
from headrace.storage.warehouse import Warehouse
from headrace.table.outputs import Output


def swap_batch(
    warehouse: Warehouse,
    output: Output,
    transaction: Transaction,
    files: Sequence[DeltaFile],
    removed: Sequence[DeltaFile],
    frontier: Offsets | None,
    baseline: Baseline,
    *,
    back: bool = False,
) -> int:
    """Swap, unless it is done; returns the version that holds it.

    Args:
        warehouse: where the table is.
        output: the table.
        transaction: application and number of the batch.
        files: what comes in.
        removed: what goes out.
        frontier: where the branch stood at the fork point; None where rows have no positions.
        baseline: what the table held at the fork point: it is put back where such rows were rewritten.
        back: a replay is taken back; then the baseline is the whole table before it.

    Raises:
        LedgerError: a file that is to come is in the table already, or the table has other columns.
        UsageError: rows without positions were rewritten, and the table at the fork point is not readable.
    """

    def swap(snapshot: DeltaTable) -> None:
        there = active_paths(snapshot)
        going = [f for f in removed if f.path in there]
        # Who restored the table by other means has brought some back already.
        coming = [f for f in files if not (back and f.path in there)]
        if frontier is not None:
            paths = sorted({*unregistered(there)} & {*files_after(snapshot, frontier)})
            others = remove_rows(warehouse, output, paths, at_or_after(frontier))
            coming, going = coming + others.added, going + others.removed
        elif len(going) < len(removed):
            was = _files_at_fork(warehouse, output, baseline)
            wanted = {f.path: f for f in (was if back else [*was, *files])}
            coming = [f for path, f in wanted.items() if path not in there]
            going = [DeltaFile(path, 0, partition_of(path), "") for path in sorted(there - wanted.keys())]
        refuse_duplicates(snapshot, output.id, coming)
        add_files(snapshot, output.columns, transaction, coming, going)

    return commit_once(warehouse, output, transaction, swap)


def require_restorable(
    warehouse: Warehouse,
    output: Output,
    removed: Sequence[DeltaFile],
    frontier: Offsets | None,
    baseline: Baseline,
    *,
    back: bool = False,
) -> None:
    """Say no before a batch is decided that could not be finished: rewritten rows have to be told apart.

    By their positions; where they have none, the table at the fork point is put back, so it has to be there,
    and nothing but rewriting may have been done to it since: rows that somebody deleted would come in again.

    Raises:
        UsageError: it is not readable any more, or the table holds more or fewer rows than were published.
    """
    snapshot = open_table(warehouse, output.id)
    if snapshot is None or frontier is not None or {f.path for f in removed} <= active_paths(snapshot):
        return
    was = _files_at_fork(warehouse, output, baseline)
    lost = [f.path for f in was if not warehouse.has(f"{output.id}/{f.path}")]
    if lost:
        raise UsageError(
            f"another program rewrote published files, and {lost[0]} of the table at the fork point is gone",
            where=snapshot.table_uri,
            remedy="nothing was changed. Its files were removed (a vacuum?): choose a later anchor",
        )
    if back:
        return
    published = sum(json.loads(f.statistics)["numRecords"] for f in [*was, *removed])
    if (held := row_count(warehouse, output.id, int(snapshot.version()))) != published:
        raise UsageError(
            f"the table holds {held:,} rows, of {published:,} that were published",
            where=snapshot.table_uri,
            remedy="nothing was changed. Another program deleted or added rows and rewrote files: what a swap"
            " would bring back cannot be told. Restore the table to the version before that first",
        )


def _files_at_fork(warehouse: Warehouse, output: Output, baseline: Baseline) -> list[DeltaFile]:
    """The files of the table at the fork point."""
    version = baseline.versions.get(output.id)
    table = None if version is None else open_table(warehouse, output.id, version)
    found = pa.table(table.get_add_actions()).select(["path", "size_bytes", "num_records"]) if table else None
    return [
        *(
            DeltaFile(
                f["path"],
                f["size_bytes"],
                partition_of(f["path"]),
                json.dumps({"numRecords": f["num_records"]}),
            )
            for f in (found.to_pylist() if found else [])
        ),
        *delta_files(baseline.files.get(output.id, ())),
    ]
