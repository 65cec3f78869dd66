"""The tables that a contract's ingest job writes: the one place where their ids and order are said."""

from __future__ import annotations

from collections.abc import Sequence
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
    versions: bool = False
    """Whether its rows are versions of one another, each of which is kept."""


QUARANTINE, LATE = "__quarantine", "__late"
"""What follows the name of a table whose rows it keeps apart. A name of ours has no two underscores in it."""


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
        *(Output(c.id, derived_columns(c), _amended_by(c)) for c in reversed(writes)),
    )


def _amended_by(contract: Contract) -> tuple[str, ...]:
    """The key by which newer rows amend, where the contract says that they do."""
    return contract.primary_key if contract.late and contract.late.policy == "amend" else ()
