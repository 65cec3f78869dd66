"""A topic's table and its quarantine as one batch left them, according to their Delta logs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import UsageError
from headrace.read.tables import open_table, table_at_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deltalake import DeltaTable

    from headrace.storage.warehouse import Warehouse

NEWEST = 1 << 62
"""A number that no batch has."""


def tables_of_batch(
    warehouse: Warehouse, table: str, wanted: int | None
) -> tuple[int, dict[str, DeltaTable]]:
    """The newest batch that is in both tables, or the requested one, and both as it left them.

    A batch without rows leaves them as the one before it did.

    Raises:
        UsageError: they do not exist, or no longer hold that batch.
        ClusterError: the object store does not answer.
    """
    names = (table, f"{table}__quarantine")
    number = NEWEST if wanted is None else wanted
    while True:
        tables, batches = _no_later_than(warehouse, table, names, number)
        complete = len(tables) == len(names)
        if complete and len(batches) == 1:
            return wanted or batches.pop(), tables
        if wanted is not None or not complete:
            raise _no_batch(warehouse, names, table, wanted)
        number = min(batches)


def _no_later_than(
    warehouse: Warehouse, job: str, names: Sequence[str], number: int
) -> tuple[dict[str, DeltaTable], set[int]]:
    """The newest versions that hold no batch after ``number``, and which batches they hold."""
    versions = {name: table_at_batch(warehouse, name, f"{job}/{name}", number) for name in names}
    tables = {name: version[0] for name, version in versions.items() if version}
    return tables, {version[1] for version in versions.values() if version}


def _no_batch(warehouse: Warehouse, names: tuple[str, ...], job: str, wanted: int | None) -> UsageError:
    state = []
    for name in names:
        newest = open_table(warehouse, name)
        last = newest.transaction_version(f"{job}/{name}") if newest else None
        state.append(f"{name} holds {'no batch' if last is None else f'batches up to {last}'}")
    what = "nothing was published yet" if wanted is None else f"batch {wanted} is not in both tables any more"
    return UsageError(
        what,
        where="; ".join(state),
        remedy=f"headrace publish {job}" if wanted is None else f"headrace verify {job}",
    )
