"""The tables that a contract's ingest job writes: the one place where their ids and order are said."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.contract.model import Contract
from headrace.table.columns import (
    TableColumn,
    data_columns,
    derived_columns,
    late_columns,
    quarantine_columns,
)


@dataclass(frozen=True)
class Output:
    """One table that a job writes; its id is the table's folder and the seal operator's uid."""

    id: str
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...] = ()
    """Columns by which a newer row amends an older one; empty where rows are final."""


def outputs(contract: Contract) -> tuple[Output, ...]:
    """Quarantine, then data: publish commits in this order, and the data commit is the commit point."""
    return (
        Output(f"{contract.id}__quarantine", quarantine_columns()),
        Output(contract.id, data_columns(contract)),
    )


def derived_outputs(contract: Contract, read: Contract) -> tuple[Output, ...]:
    """The late table, then the result, amended by its key where the contract says so."""
    amends = contract.late is not None and contract.late.policy == "amend"
    return (
        Output(f"{contract.id}__late", late_columns(read)),
        Output(contract.id, derived_columns(contract), contract.primary_key if amends else ()),
    )
