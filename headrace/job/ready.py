"""What must hold before a bounded job judges records for a job's tables."""

from __future__ import annotations

from headrace.delta.commit import refuse_other_columns
from headrace.errors import DecisionNeeded
from headrace.job import lock
from headrace.job.program import Program
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Patch


def require_ready(ledger: Ledger, program: Program) -> str:
    """Check that the job's lock is current and its tables fit, and return the program's digest.

    Raises:
        DecisionNeeded: the lock is not of this program: the edit has not been accepted.
        LedgerError: a table has other columns than the contract.
    """
    lock.require_current(program)
    for output in program.outputs:
        refuse_other_columns(ledger.warehouse, output.id, output.columns)
    return program.digest()


def require_same(ledger: Ledger, program: Program, patch: Patch) -> None:
    """Refuse if the job was edited since a patch was requested: a patch is for one program.

    Raises:
        DecisionNeeded: it was, or the edit has not been accepted.
    """
    if require_ready(ledger, program) != patch.program:
        raise DecisionNeeded(
            f"the job was edited since {patch.name} was requested",
            where=f"jobs/{ledger.job}.lock.json",
            remedy=f"restore the job; or headrace patch abort {ledger.job} {patch.number} --why TEXT,"
            " and request it again",
        )
