"""One Delta commit a batch, exactly once, however often and by however many publishers it is tried.

delta-rs by itself accepts a repeated application transaction from a fresh handle, stale removes, and
adds of a path that is active. So every commit of ours (1) is made with no retries, which binds it to
the snapshot that was checked, (2) is skipped where that snapshot already carries the batch number,
and (3) on a conflict starts over with a new snapshot.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction

from headrace.delta.shape import table_differs
from headrace.errors import LedgerError
from headrace.files import RecordedFile
from headrace.storage.warehouse import Warehouse, store_error
from headrace.table.columns import TableColumn
from headrace.table.delta import delta_field
from headrace.table.outputs import Output

ATTEMPTS = 50
"""Conflicts in a row before giving up: each means that another commit of this table got through."""


@dataclass(frozen=True)
class DeltaFile:
    """One file of a batch, as the Delta log will know it."""

    path: str
    size: int
    partition: dict[str, str]
    statistics: str


def delta_files(files: Iterable[RecordedFile]) -> list[DeltaFile]:
    """Recorded files as Delta will know them."""
    return [DeltaFile(f.path, f.size, f.partition, f.statistics) for f in files]


def commit_batch(
    warehouse: Warehouse, output: Output, transaction: Transaction, files: Sequence[DeltaFile]
) -> int:
    """Make the batch part of the table, unless it is already; returns the table version that holds it.

    Raises:
        LedgerError: the table holds a file of the batch under another batch, or has other columns.
    """

    def add(snapshot: DeltaTable) -> None:
        refuse_duplicates(snapshot, output.id, files)
        add_files(snapshot, output.columns, transaction, files)

    return commit_once(warehouse, output, transaction, add)


def commit_once(
    warehouse: Warehouse, output: Output, transaction: Transaction, commit: Callable[[DeltaTable], None]
) -> int:
    """Commit on a checked snapshot, unless it carries the transaction; returns the version that holds it.

    Args:
        warehouse: where the table is.
        output: the table; it is created if it does not exist.
        transaction: application and number of the batch.
        commit: makes one commit with no retries, bound to the snapshot that it is given.

    Raises:
        LedgerError: the table has other columns, or other writers always came first.
    """
    app, batch, table = transaction.app_id, transaction.version, output.id
    for _ in range(ATTEMPTS):
        with _delta_errors(warehouse, table):
            snapshot = _open_or_create(warehouse, table, output.columns)
            if (snapshot.transaction_version(app) or 0) >= batch:
                return version_of(warehouse, table, app, batch, snapshot)
            _refuse_other_columns(snapshot, output.columns)
            before = int(snapshot.version())
            try:
                commit(snapshot)
            except CommitFailedError:
                continue
            return before + 1
    raise _too_many_conflicts(warehouse, table)


@contextlib.contextmanager
def _delta_errors(warehouse: Warehouse, table: str) -> Iterator[None]:
    """delta-rs reports in three ways that the store does not answer; turn them into one error.

    Raises:
        ClusterError: the table could not be read or written.
    """
    try:
        yield
    except TableNotFoundError:
        raise
    except (OSError, DeltaError) as e:
        error = store_error(e, warehouse.table_uri(table), "the Delta log cannot be read or written")
        error.remedy += "; nothing is half done: publish again"
        raise error from e


def add_files(
    snapshot: DeltaTable,
    columns: Sequence[TableColumn],
    transaction: Transaction,
    files: Sequence[DeltaFile],
    removed: Sequence[DeltaFile] = (),
) -> None:
    """One commit that adds files, takes others out, and carries the transaction, bound to the snapshot."""
    when = int(time.time() * 1000)
    snapshot.create_write_transaction(
        [
            *(
                RemoveAction(f.path, True, when, size=f.size, partition_values=dict(f.partition))  # noqa: FBT003
                for f in removed
            ),
            *(AddAction(f.path, f.size, f.partition, when, True, f.statistics) for f in files),  # noqa: FBT003
        ],
        mode="append",
        schema=snapshot.schema(),
        partition_by=[c.name for c in columns if c.partition],
        commit_properties=CommitProperties(
            max_commit_retries=0,
            app_transactions=[transaction],
            custom_metadata={"headrace.batch": str(transaction.version)},
        ),
    )


def version_of(warehouse: Warehouse, table: str, app: str, batch: int, newest: DeltaTable) -> int:
    """The version in which an application transaction reached ``batch``; looks back from the newest one.

    Where the log no longer reaches back that far, the oldest version that can be read is returned.
    """
    version = int(newest.version())
    while version > 0:
        try:
            before = DeltaTable(
                warehouse.table_uri(table), version=version - 1, storage_options=warehouse.delta_options
            )
        except DeltaError:
            break
        if (before.transaction_version(app) or 0) < batch:
            break
        version -= 1
    return version


def _open_or_create(warehouse: Warehouse, table: str, columns: Sequence[TableColumn]) -> DeltaTable:
    uri = warehouse.table_uri(table)
    try:
        return DeltaTable(uri, storage_options=warehouse.delta_options)
    except TableNotFoundError:
        pass
    # Another publisher may be first; opening it afterwards shows whether there is a table now.
    with contextlib.suppress(DeltaError, CommitFailedError):
        DeltaTable.create(
            uri,
            schema(columns),
            partition_by=[c.name for c in columns if c.partition],
            storage_options=warehouse.delta_options,
        )
    return DeltaTable(uri, storage_options=warehouse.delta_options)


def schema(columns: Sequence[TableColumn]) -> Schema:
    """The Delta schema of a new table."""
    return Schema([delta_field(c) for c in columns if not c.when_needed])


def add_column(warehouse: Warehouse, output: Output, column: TableColumn) -> None:
    """Give a table a column that it has only once it is needed; the rows that are there hold NULL.

    That is a commit of its own, which changes no row.

    Raises:
        LedgerError: other writers always came first.
    """
    for _ in range(ATTEMPTS):
        with _delta_errors(warehouse, output.id):
            table = _open_or_create(warehouse, output.id, output.columns)
            if column.name in {f.name for f in table.schema().fields}:
                return
            # Another commit came first: look again.
            with contextlib.suppress(CommitFailedError):
                table.alter.add_columns([delta_field(column)])
    raise _too_many_conflicts(warehouse, output.id)


def _too_many_conflicts(warehouse: Warehouse, table: str) -> LedgerError:
    return LedgerError(
        f"{ATTEMPTS} commits in a row met another writer",
        where=warehouse.table_uri(table),
        remedy="run publish again; the batch is recorded and will be finished",
    )


def refuse_other_columns(warehouse: Warehouse, table: str, columns: Sequence[TableColumn]) -> None:
    """Refuse a batch before it is decided: once it is recorded, it must be possible to finish it.

    Raises:
        LedgerError: the table exists, with other columns than the contract has now.
    """
    with contextlib.suppress(TableNotFoundError), _delta_errors(warehouse, table):
        snapshot = DeltaTable(warehouse.table_uri(table), storage_options=warehouse.delta_options)
        _refuse_other_columns(snapshot, columns)


def _refuse_other_columns(snapshot: DeltaTable, columns: Sequence[TableColumn]) -> None:
    if differ := table_differs(snapshot, columns):
        raise LedgerError(
            f"the table has other columns than its contract: {'; '.join(differ)}",
            where=snapshot.table_uri,
            remedy="the table is untouched; a contract with other columns needs an id of its own",
        )


def refuse_duplicates(snapshot: DeltaTable, table: str, files: Sequence[DeltaFile]) -> None:
    """Refuse files that the table already holds.

    Raises:
        LedgerError: names one.
    """
    active = active_paths(snapshot)
    if again := [f.path for f in files if f.path in active]:
        raise LedgerError(
            f"{len(again)} files of the batch are in the table already, {again[0]} among them",
            where=snapshot.table_uri,
            remedy="another program committed them; nothing was changed",
            table=table,
        )


def active_paths(snapshot: DeltaTable) -> set[str]:
    """Paths of the table's files, relative to its folder; delta-rs names local ones without their scheme."""
    base = f"{snapshot.table_uri.rstrip('/')}/"
    return {uri.removeprefix(base).removeprefix(base.removeprefix("file://")) for uri in snapshot.file_uris()}
