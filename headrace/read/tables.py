"""Published Delta tables, opened for reading only: as they are, as they were, as a batch left them."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from headrace.errors import ClusterError, UsageError
from headrace.storage.warehouse import store_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.storage.warehouse import Warehouse

_GONE = ("NoSuchKey", "Object at location")
"""How stores report a missing object, where the error's type does not."""

ROWS_AT_ONCE = 1 << 17
"""Rows of one Arrow batch: 2 MB of positions, small beside the Parquet pages they come from."""


def open_table(warehouse: Warehouse, name: str, version: int | None = None) -> DeltaTable | None:
    """The table, at its newest version or at that one; None if nothing was ever published under the name.

    Raises:
        UsageError: the table is there, but not that version of it.
        ClusterError: the object store does not answer, or its Delta log cannot be read.
    """
    try:
        return _open(warehouse, name, version)
    except TableNotFoundError:
        if version is None:
            return None
    except DeltaError as e:
        if version is None:
            raise ClusterError(
                f"the Delta log cannot be read: {_first_line(e)}", where=warehouse.table_uri(name)
            ) from e
    newest = open_table(warehouse, name)
    if newest is None:
        return None
    raise UsageError(
        f"version {version} of the table cannot be read any more, or does not exist yet",
        where=warehouse.table_uri(name),
        remedy=f"its newest version is {newest.version()}",
    )


def table_as_of(warehouse: Warehouse, name: str, moment: datetime) -> DeltaTable | None:
    """The version of a table that readers saw at a moment; None if nothing was ever published under the name.

    Raises:
        UsageError: the table began later, or its log does not reach back so far.
        ClusterError: the object store does not answer.
    """
    table = open_table(warehouse, name)
    if table is None:
        return None
    with contextlib.suppress(DeltaError):
        table.load_as_version(moment)
        # delta-rs gives the first version for every earlier time; and a handle that went back in time counts
        # its history from there, so only the newest handle knows when the table began.
        newest = open_table(warehouse, name) if table.version() == 0 else None
        if newest is None or newest.history()[-1]["timestamp"] <= moment.timestamp() * 1000:
            return table
    raise UsageError(
        f"no version of the table is as old as {moment.isoformat()}",
        where=warehouse.table_uri(name),
        remedy="choose a later moment",
    )


def table_at_batch(warehouse: Warehouse, name: str, app: str, batch: int) -> tuple[DeltaTable, int] | None:
    """The newest version of a table that holds no batch beyond ``batch``, and the batch that it does hold.

    Application transactions only grow from version to version and survive checkpoints and the clean-up of
    the log, so they are looked up by bisection; what was committed in between (a compaction) does not matter.

    Returns:
        The table and the number, or None where no readable version is that old.

    Raises:
        ClusterError: the object store does not answer.
    """
    newest = open_table(warehouse, name)
    if newest is None:
        return None
    if (number := _batch_in(newest, app)) <= batch:
        return (newest, number) if number else None
    found, low, high = None, 0, newest.version() - 1
    while low <= high:
        middle = (low + high) // 2
        number = _batch_at(warehouse, name, app, middle)
        if number > batch:
            high = middle - 1
        else:
            found, low = (middle, number) if number > 0 else found, middle + 1
    if found is None or (table := open_table(warehouse, name, found[0])) is None:
        return None
    return table, found[1]


def tables_at_batch(
    warehouse: Warehouse, job: str, names: Sequence[str], batch: int
) -> dict[str, DeltaTable]:
    """A job's tables as a batch left them; none where no batch up to it held a row.

    Raises:
        UsageError: the log of one no longer reaches back so far.
        ClusterError: the object store does not answer.
    """
    versions = {name: table_at_batch(warehouse, name, f"{job}/{name}", batch) for name in names}
    tables = {name: version[0] for name, version in versions.items() if version is not None}
    unreadable = [n for n in names if n not in tables and (tables or open_table(warehouse, n) is not None)]
    if unreadable:
        raise UsageError(
            f"table {unreadable[0]} cannot be read any more as batch {batch} left it",
            where=warehouse.table_uri(unreadable[0]),
            remedy="choose a later batch",
        )
    return tables


def row_count(warehouse: Warehouse, name: str, version: int) -> int:
    """Rows that a version of a table holds, by its files' statistics; by their footers where one has none."""
    table = open_table(warehouse, name, version)
    if table is None:
        return 0
    counts = pa.table(table.get_add_actions())["num_records"].to_pylist()
    return table.to_pyarrow_dataset().count_rows() if None in counts else sum(counts)


def stream_batches(table: DeltaTable, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The rows of every active file, a few columns of them, plus ``__filename``: streamed, in no order."""
    data = table.to_pyarrow_dataset()
    wanted = [*(c for c in columns if c in data.schema.names), "__filename"]
    with missing_files_refused():
        yield from data.scanner(columns=wanted, batch_size=ROWS_AT_ONCE).to_batches()


@contextlib.contextmanager
def missing_files_refused() -> Iterator[None]:
    """Rows of an older version are read: its log may reach back further than its files.

    Raises:
        UsageError: a file of it is gone.
    """
    try:
        yield
    except OSError as e:  # delta-rs, pyarrow and obstore report it differently
        if not isinstance(e, FileNotFoundError) and not any(text in str(e) for text in _GONE):
            raise
        raise UsageError(
            "a file of the tables as they were then is gone",
            where=_first_line(e)[:300],
            remedy="another program removed it (a vacuum?): choose a later batch, or put the file back",
        ) from e


def _batch_at(warehouse: Warehouse, name: str, app: str, version: int) -> int:
    try:
        return _batch_in(_open(warehouse, name, version), app)
    except DeltaError:
        return 0  # the log was cleaned up to a later version: older than any version that can be requested


def _batch_in(table: DeltaTable, app: str) -> int:
    return table.transaction_version(app) or 0


def _open(warehouse: Warehouse, name: str, version: int | None) -> DeltaTable:
    uri = warehouse.table_uri(name)
    try:
        return DeltaTable(uri, version=version, storage_options=warehouse.delta_options)
    except OSError as e:
        raise store_error(e, uri) from e


def _first_line(e: Exception) -> str:
    return (str(e).splitlines() or [type(e).__name__])[0]
