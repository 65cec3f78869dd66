"""Publish for tables that amend: a batch's newest rows replace those of the same key, in one commit.

Flink writes every version of a row, each into the files of its checkpoint. A batch's files are in the order
of checkpoints, and within one the rows of a key are in one file, in the order in which they were made: the
query is keyed, and a table's partitions are derived from its key. So the last row of a key is the newest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.transaction import CommitProperties, Transaction

from headrace.delta.commit import DeltaFile, add_files, commit_once
from headrace.read.rows import published_rows, read_rows
from headrace.storage.warehouse import Warehouse
from headrace.table.outputs import Output

_PLACE = "__place"


def amend_batch(
    warehouse: Warehouse, output: Output, transaction: Transaction, files: Sequence[DeltaFile]
) -> int:
    """Make the batch's rows the newest of their keys, unless they are; returns the version that holds them.

    Raises:
        LedgerError: the table has other columns, or other writers always came first.
    """
    rows = newest_rows(read_rows(warehouse, output, [f.path for f in files]), output.key)

    def merge(snapshot: DeltaTable) -> None:
        if (
            rows.num_rows == 0
        ):  # the batch has rows in another table only; its number is kept here all the same
            add_files(snapshot, output.columns, transaction, [])
            return
        matched = [*output.key, *(c.name for c in output.columns if c.partition)]
        snapshot.merge(
            rows,
            predicate=" AND ".join(f'target."{name}" = source."{name}"' for name in matched),
            source_alias="source",
            target_alias="target",
            commit_properties=CommitProperties(
                max_commit_retries=0,
                app_transactions=[transaction],
                custom_metadata={"headrace.batch": str(transaction.version)},
            ),
        ).when_matched_update_all().when_not_matched_insert_all().execute()

    return commit_once(warehouse, output, transaction, merge)


def amend_from(
    warehouse: Warehouse,
    output: Output,
    transaction: Transaction,
    version: int | None,
    files: Sequence[DeltaFile],
) -> int:
    """Make the table what it was at a version, amended by files, in one commit; unless it is done.

    Args:
        warehouse: where the table is.
        output: the table.
        transaction: application and number of the batch.
        version: the version to start from; None: an empty table.
        files: staged files, the oldest first.

    Raises:
        UsageError: that version cannot be read any more.
        LedgerError: the table has other columns, or other writers always came first.
    """
    rows = amended_rows(warehouse, output, version, files)

    def overwrite(snapshot: DeltaTable) -> None:
        write_deltalake(
            snapshot,
            rows,
            mode="overwrite",
            partition_by=[c.name for c in output.columns if c.partition] or None,
            commit_properties=CommitProperties(
                max_commit_retries=0,
                app_transactions=[transaction],
                custom_metadata={"headrace.batch": str(transaction.version)},
            ),
        )

    return commit_once(warehouse, output, transaction, overwrite)


def amended_rows(
    warehouse: Warehouse, output: Output, version: int | None, files: Sequence[DeltaFile]
) -> pa.Table:
    """What a version of the table holds once files have amended it.

    Raises:
        UsageError: that version cannot be read any more.
    """
    rows = read_rows(warehouse, output, [f.path for f in files])
    if version is not None:
        rows = pa.concat_tables([published_rows(warehouse, output, version), rows])
    return newest_rows(rows, output.key)


def newest_rows(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """The last row of each key."""
    placed = rows.append_column(_PLACE, pa.array(np.arange(rows.num_rows)))
    last = placed.group_by(list(key)).aggregate([(_PLACE, "max")])[f"{_PLACE}_max"]
    return rows.take(np.sort(last.to_numpy()))
