"""The tables that jobs write: the only place that defines their ids and order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from headrace.contract.model import Contract
from headrace.table.columns import (
    TableColumn,
    data_columns,
    derived_columns,
    late_columns,
    quarantine_columns,
)

Mode = Literal["append", "amend"]
"""What publish does with the rows of a batch: add them, or let them replace older rows with the same key."""


@dataclass(frozen=True)
class Output:
    """One table that a job writes; its id is the table's folder and the seal operator's uid."""

    id: str
    columns: tuple[TableColumn, ...]
    mode: Mode = "append"
    """What publish does with new rows."""
    key: tuple[str, ...] = ()
    """Columns by which a newer row replaces an older one; empty where rows are final."""
    versions: bool = False
    """Whether its rows are versions of one another, each of which is kept."""

    def __post_init__(self) -> None:
        if (self.mode == "amend") != bool(self.key):
            raise ValueError(f"output {self.id}: only rows that amend have a key, and they need one")


QUARANTINE, LATE = "__quarantine", "__late"
"""The suffixes of the tables with a table's bad or late rows. Other names never contain two underscores."""


def outputs(contract: Contract) -> tuple[Output, ...]:
    """Quarantine, then data: publish commits in this order, and the data commit is the commit point."""
    return (
        Output(f"{contract.id}{QUARANTINE}", quarantine_columns()),
        Output(contract.id, data_columns(contract)),
    )


def derived_outputs(writes: Sequence[Contract], reads: Sequence[Contract]) -> tuple[Output, ...]:
    """The late rows of each topic, then the results; the job's own table comes last.

    The late rows of the first topic are in ``<job>__late``, those of another in ``<job>__late_<topic>``.
    """
    own = writes[0].id
    late = [f"{own}{LATE}", *(f"{own}{LATE}_{read.id}" for read in reads[1:])]
    return (
        *(
            Output(name, late_columns(read), versions=bool(read.version_of))
            for name, read in zip(late, reads, strict=True)
        ),
        *(_result(c) for c in reversed(writes)),
    )


def _result(contract: Contract) -> Output:
    """The table that a derive job writes for a contract."""
    columns = derived_columns(contract)
    if contract.amends:
        return Output(contract.id, columns, "amend", contract.primary_key)
    return Output(contract.id, columns)
