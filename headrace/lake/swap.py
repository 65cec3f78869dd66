"""One commit that puts a replay's files in the place of others, whatever other programs did with those.

Files that publish registered go by their names. In an ingest job's tables other files may hold rows behind
the fork point (a compaction made them, or a patch): of these the rows go, by their positions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deltalake import DeltaTable
from deltalake.transaction import Transaction

from headrace.errors import LedgerError
from headrace.lake.delta import Added, active, add_files, commit_once, refuse_again
from headrace.lake.rewritten import behind, foreign, reaching, take_out
from headrace.lake.store import Warehouse
from headrace.lake.tables import open_table
from headrace.table.outputs import Output


def swap_batch(
    warehouse: Warehouse,
    output: Output,
    transaction: Transaction,
    files: Sequence[Added],
    removed: Sequence[Added],
    frontier: Mapping[int, int] | None,
) -> int:
    """Swap, unless it is done; returns the version that holds it.

    Args:
        warehouse: where the table is.
        output: the table.
        transaction: application and number of the batch.
        files: what comes in.
        removed: what goes out.
        frontier: where the branch stood at the fork point; None where rows have no positions.

    Raises:
        LedgerError: a file that is to go is not in the table, and its rows cannot be told; or one that is to
            come is there already; or the table has other columns.
    """

    def swap(snapshot: DeltaTable) -> None:
        refuse_again(snapshot, output.id, files)
        there = active(snapshot)
        going = [f for f in removed if f.path in there]
        coming = list(files)
        if frontier is not None:
            paths = sorted({*foreign(there)} & {*reaching(snapshot, frontier)})
            others = take_out(warehouse, output, paths, behind(frontier))
            coming, going = coming + others.coming, going + others.going
        elif len(going) < len(removed):
            raise _unknown(snapshot, [f.path for f in removed if f.path not in there])
        add_files(snapshot, output.columns, transaction, coming, going)

    return commit_once(warehouse, output, transaction, swap)


def require_told(
    warehouse: Warehouse, table: str, removed: Sequence[Added], frontier: Mapping[int, int] | None
) -> None:
    """Say no before a batch is decided: files that were rewritten have to be told apart by positions.

    Raises:
        LedgerError: one is not in the table any more, and its rows have none.
    """
    snapshot = open_table(warehouse, table)
    if snapshot is not None and frontier is None:
        there = active(snapshot)
        if gone := [f.path for f in removed if f.path not in there]:
            raise _unknown(snapshot, gone)


def _unknown(snapshot: DeltaTable, gone: Sequence[str]) -> LedgerError:
    return LedgerError(
        f"{len(gone)} published files are not in the table any more, {gone[0]} among them",
        where=snapshot.table_uri,
        remedy="another program rewrote them (a compaction?), and these rows have no positions to tell them"
        " by: restore the table to the version before it, then publish again",
    )
