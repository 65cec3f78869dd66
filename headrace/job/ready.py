"""What must be true of a job before records are judged for its tables."""

from __future__ import annotations

from headrace.delta.commit import refuse_other_columns
from headrace.errors import DecisionNeeded
from headrace.job import lock
from headrace.job.program import Program
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Patch


def digest(ledger: Ledger, program: Program) -> str:
    """The program that would judge, as its lock knows it.

    Raises:
        DecisionNeeded: its lock is not the one of this program: nobody has accepted the edit.
        LedgerError: a table has other columns than the contract.
    """
    lock.current(program)
    for output in program.outputs:
        refuse_other_columns(ledger.warehouse, output.id, output.columns)
    return program.digest()


def require_same(ledger: Ledger, program: Program, patch: Patch) -> None:
    """Say no where the job was edited since a patch was asked for: one patch is for one program.

    Raises:
        DecisionNeeded: it was, or the edit is not accepted.
    """
    if digest(ledger, program) != patch.program:
        raise DecisionNeeded(
            f"the job was edited since {patch.name} was asked for",
            where=f"jobs/{ledger.job}.lock.json",
            remedy=f"put it back; or headrace patch drop {ledger.job} {patch.number} --why TEXT,"
            " and ask again",
        )
