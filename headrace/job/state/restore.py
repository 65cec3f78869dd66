"""Checks which state a submission may restore."""

from __future__ import annotations

from dataclasses import dataclass, field

from headrace.errors import DecisionNeeded, UsageError
from headrace.job import lock
from headrace.job.state.gate import DROPPED, compare, unaccounted
from headrace.ledger.ledger import Ledger
from headrace.savepoint.retained import read_savepoint
from headrace.storage.warehouse import Warehouse


@dataclass(frozen=True)
class Restorable:
    """Checks which state a submission may restore."""

    options: dict[str, str] = field(default_factory=dict)
    numbered_from: int = 0
    """How far the branch's numbers are ahead of Flink's, for a new output, whose chain begins here."""


def check_state(ledger: Ledger, warehouse: Warehouse, plan: lock.Lock, savepoint: str | None) -> Restorable:
    """Allow state that means the same under the lock's plan, and changes that were accepted.

    Raises:
        DecisionNeeded: the plan would lose or change state that was not accepted when its lock was written.
        UsageError: the plan that wrote the savepoint is not known.
    """
    if savepoint is None:
        return Restorable()
    restored = read_savepoint(warehouse, savepoint)
    claim = ledger.claim_of(restored.submission)
    before = ledger.plan(claim.plan) if claim else None
    if before is None:
        raise UsageError(
            "it is not known which plan wrote this savepoint, so the meaning of its state is unknown",
            where=savepoint,
            remedy=f"give one of a submission that `headrace branch ls {ledger.job}` lists; a savepoint of"
            " another job, or of an older headrace, cannot be restored",
        )
    verdicts = compare(before, plan.plan)
    if open_ := unaccounted(verdicts, plan.accepted):
        raise DecisionNeeded(
            "from this savepoint on, state would be lost or mean something else: "
            + "; ".join(f"{v.operator} ({v.id}) is {v.verdict}" for v in open_),
            where=savepoint,
            remedy=f"restore the job and its lock, write the lock again with"
            f" `headrace plan {ledger.job} --accept`, and name there what may be lost or change",
            state=[v.to_json() for v in open_],
        )
    drops = any(v.verdict == DROPPED for v in verdicts)
    return Restorable(
        {"execution.state-recovery.ignore-unclaimed-state": "true"} if drops else {},
        restored.number - restored.flink_number,
    )
