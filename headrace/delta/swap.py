"""One commit that replaces files by those of a replay, whatever other programs did to them.

Files that publish registered are removed by name. In an ingest job's tables, other files may hold rows from
after the fork point (made by a compaction or a patch): their rows are removed by position. Where rows have no
positions, the table at the fork point is restored, and the replay's files are added to it.
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
from headrace.read.records import at_or_after, files_at_or_after, unregistered_paths
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
    """Swap files in one commit, unless it is done; returns the version that holds it.

    Args:
        warehouse: where the table is.
        output: the table.
        transaction: application and number of the batch.
        files: files to add.
        removed: files to remove.
        frontier: the frontier at the fork point; None where rows have no positions.
        baseline: what the table held at the fork point: it is restored where such rows were rewritten.
        back: a replay is rolled back; then the baseline is the whole table before it.

    Raises:
        LedgerError: a file to be added is in the table already, or the table has other columns.
        UsageError: rows without positions were rewritten, and the table at the fork point is not readable.
    """

    def swap(snapshot: DeltaTable) -> None:
        current = active_paths(snapshot)
        going = [f for f in removed if f.path in current]
        # Restoring the table by other means may have brought some back already.
        coming = [f for f in files if not (back and f.path in current)]
        if frontier is not None:
            paths = sorted({*unregistered_paths(current)} & {*files_at_or_after(snapshot, frontier)})
            rewrite = remove_rows(warehouse, output, paths, at_or_after(frontier))
            coming, going = coming + rewrite.added, going + rewrite.removed
        elif len(going) < len(removed):
            baseline_files = _files_at_fork(warehouse, output, baseline)
            coming, going = _exchange(current, baseline_files if back else [*baseline_files, *files])
        refuse_duplicates(snapshot, output.id, coming)
        add_files(snapshot, output.columns, transaction, coming, going)

    return commit_once(warehouse, output, transaction, swap)


def _exchange(current: set[str], files: Sequence[DeltaFile]) -> tuple[list[DeltaFile], list[DeltaFile]]:
    """What to add and what to remove, so that a table holds exactly these files."""
    wanted = {f.path: f for f in files}
    coming = [f for path, f in wanted.items() if path not in current]
    going = [DeltaFile(path, 0, partition_of(path), "") for path in sorted(current - wanted.keys())]
    return coming, going


def require_restorable(
    warehouse: Warehouse,
    output: Output,
    removed: Sequence[DeltaFile],
    frontier: Offsets | None,
    baseline: Baseline,
    *,
    back: bool = False,
) -> None:
    """Refuse a batch that could not be finished, before it is decided.

    Rewritten rows are recognised by their positions. Where they have none, the table at the fork point is
    restored: so its files must exist, and nothing but rewriting may have happened to it since, because rows
    that another program deleted would come back.

    Raises:
        UsageError: it is not readable any more, or the table holds more or fewer rows than were published.
    """
    snapshot = open_table(warehouse, output.id)
    if snapshot is None or frontier is not None or {f.path for f in removed} <= active_paths(snapshot):
        return
    files = _files_at_fork(warehouse, output, baseline)
    missing = [f.path for f in files if not warehouse.has(f"{output.id}/{f.path}")]
    if missing:
        raise UsageError(
            f"another program rewrote published files, and {missing[0]} of the table at the"
            " fork point is gone",
            where=snapshot.table_uri,
            remedy="nothing was changed. Its files were removed (a vacuum?): choose a later anchor",
        )
    if not back:
        _require_row_count(warehouse, output, snapshot, [*files, *removed])


def _require_row_count(
    warehouse: Warehouse, output: Output, snapshot: DeltaTable, published: Sequence[DeltaFile]
) -> None:
    """Refuse a table that holds more or fewer rows than were published."""
    expected = sum(json.loads(f.statistics)["numRecords"] for f in published)
    if (rows := row_count(warehouse, output.id, int(snapshot.version()))) != expected:
        raise UsageError(
            f"the table holds {rows:,} rows, of {expected:,} that were published",
            where=snapshot.table_uri,
            remedy="nothing was changed. Another program deleted or added rows and rewrote files, so it is"
            " not known which rows a swap would bring back. Restore the table to the version before that",
        )


def _files_at_fork(warehouse: Warehouse, output: Output, baseline: Baseline) -> list[DeltaFile]:
    """The files of the table at the fork point."""
    version = baseline.versions.get(output.id)
    table = None if version is None else open_table(warehouse, output.id, version)
    actions = (
        pa.table(table.get_add_actions()).select(["path", "size_bytes", "num_records"]).to_pylist()
        if table
        else []
    )
    return [
        *(
            DeltaFile(
                a["path"],
                a["size_bytes"],
                partition_of(a["path"]),
                json.dumps({"numRecords": a["num_records"]}),
            )
            for a in actions
        ),
        *delta_files(baseline.files.get(output.id, ())),
    ]
