"""Derived tables that were computed from rows which something has replaced since."""

from __future__ import annotations

import contextlib

from headrace import project
from headrace.errors import HeadraceError
from headrace.job.declaration import Derive, find
from headrace.job.program import Program
from headrace.lake.ledger import Ledger
from headrace.lake.store import Warehouse


def stale(program: Program, warehouse: Warehouse) -> tuple[str, ...]:
    """Published tables of derive jobs that read what this job reads, with the old meaning of its records."""
    if program.contract.derived:
        return ()
    found: list[str] = []
    for name in project.job_names():
        with contextlib.suppress(HeadraceError):  # a file that is broken now is no matter of this replay
            job = find(name)
            if (
                isinstance(job, Derive)
                and program.contract.id in job.reads
                and Ledger(warehouse, name).newest("done")
            ):
                found += job.writes
    return tuple(dict.fromkeys(found))
