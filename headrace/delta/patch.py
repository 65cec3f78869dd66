"""One commit that adds a patch's files to a table, and removes any other rows at their positions."""

from __future__ import annotations

from collections.abc import Sequence

from deltalake import DeltaTable
from deltalake.transaction import Transaction

from headrace.delta.commit import DeltaFile, add_files, commit_once, refuse_duplicates
from headrace.delta.rewrite import remove_rows
from headrace.positions import Positions
from headrace.read.records import files_with
from headrace.storage.warehouse import Warehouse
from headrace.table.outputs import Output


def patch_batch(
    warehouse: Warehouse, output: Output, transaction: Transaction, files: Sequence[DeltaFile], out: Positions
) -> int:
    """Patch, unless it is done; returns the version that holds it.

    Args:
        warehouse: where the table is.
        output: the table.
        transaction: application and number of the batch.
        files: files to add.
        out: the records whose rows are removed, wherever they are.

    Raises:
        LedgerError: a file of the batch is in the table already, or the table has other columns.
    """

    def patch(snapshot: DeltaTable) -> None:
        refuse_duplicates(snapshot, output.id, files)
        rest = remove_rows(warehouse, output, files_with(snapshot, out), out.holds)
        add_files(snapshot, output.columns, transaction, [*files, *rest.added], rest.removed)

    return commit_once(warehouse, output, transaction, patch)
