"""The tables that a contract's ingest job writes: the one place where their ids and order are said."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.contract.model import Contract
from headrace.table.columns import TableColumn, data_columns, quarantine_columns


@dataclass(frozen=True)
class Output:
    """One table that a job writes; its id is the table's folder and the seal operator's uid."""

    id: str
    columns: tuple[TableColumn, ...]


def outputs(contract: Contract) -> tuple[Output, Output]:
    """Quarantine, then data: publish commits in this order, and the data commit is the commit point."""
    return (
        Output(f"{contract.id}__quarantine", quarantine_columns()),
        Output(contract.id, data_columns(contract)),
    )
