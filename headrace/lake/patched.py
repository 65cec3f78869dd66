"""One commit that puts a patch's files into a table, and takes out what other rows have their positions."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from deltalake import DeltaTable, Field
from deltalake.exceptions import CommitFailedError
from deltalake.schema import PrimitiveType
from deltalake.transaction import Transaction

from headrace.errors import LedgerError
from headrace.lake.delta import ATTEMPTS, Added, add_files, commit_once, refuse_again
from headrace.lake.positions import Positions
from headrace.lake.rewritten import meeting, take_out
from headrace.lake.store import Warehouse
from headrace.lake.tables import open_table
from headrace.table.columns import REPAIRED_BY
from headrace.table.outputs import Output


def patch_batch(
    warehouse: Warehouse, output: Output, transaction: Transaction, files: Sequence[Added], out: Positions
) -> int:
    """Patch, unless it is done; returns the version that holds it.

    Args:
        warehouse: where the table is.
        output: the table.
        transaction: application and number of the batch.
        files: what comes in.
        out: the records whose rows go out, wherever they are.

    Raises:
        LedgerError: a file of the batch is in the table already, or the table has other columns.
    """

    def patch(snapshot: DeltaTable) -> None:
        refuse_again(snapshot, output.id, files)
        rest = take_out(warehouse, output, meeting(snapshot, out), out.holds)
        add_files(snapshot, output.columns, transaction, [*files, *rest.coming], rest.going)

    return commit_once(warehouse, output, transaction, patch)


def tell_repairs(warehouse: Warehouse, table: str) -> None:
    """Give a table the column that names who repaired a row; other rows hold NULL there.

    A table gets it with its first repaired row, in a commit of its own that changes no row.
    """
    field = Field(REPAIRED_BY.name, PrimitiveType(REPAIRED_BY.delta_type), nullable=True)
    for _ in range(ATTEMPTS):
        found = open_table(warehouse, table)
        if found is None or field.name in {f.name for f in found.schema().fields}:
            return
        # Whoever commits meanwhile is no harm: look again.
        with contextlib.suppress(CommitFailedError):
            found.alter.add_columns([field])
    raise LedgerError(
        f"{ATTEMPTS} commits in a row met another writer",
        where=warehouse.table_uri(table),
        remedy="run publish again; the batch is recorded and will be finished",
    )
