"""Patches in the ledger: rows judged apart from the live job, and published in its tables by one batch.

A redrive, a backfill and a bounded replay differ in where their records come from. What follows is the same:
a bounded job judges them by the contract, and one batch adds its rows and removes any other rows at their
positions. The branch, its head and its frontier stay as they are.

The record holds the request and never changes. ``judged/<number>.json`` holds what the bounded job made of
it; a decision, which batch published it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from headrace.ledger.ledger import Ledger
from headrace.ledger.records import (
    JUDGED,
    PATCHES,
    Decision,
    JudgedPatch,
    Patch,
    PublishPatch,
)
from headrace.ledger.stamp import current_user, now

REDRIVE: Final = "redrive"
BACKFILL: Final = "backfill"
REPLAY: Final = "replay"
ROLLBACK: Final = "rollback"


def record_patch(ledger: Ledger, request: Patch) -> Patch:
    """Write a request; returns it with its number."""
    stamped = request.model_copy(update={"by": current_user(), "at": now()})
    return stamped.model_copy(update={"number": ledger.append(PATCHES, stamped)})


def one(ledger: Ledger, number: int) -> Patch:
    """The patch of that number.

    Raises:
        UsageError: it does not exist.
    """
    return ledger.requested(PATCHES, number, "patch")


def every(ledger: Ledger) -> list[Patch]:
    """All patches, oldest first."""
    return [one(ledger, n) for n in range(1, ledger.newest(PATCHES) + 1)]


def store_judged(ledger: Ledger, number: int, judged: JudgedPatch) -> JudgedPatch:
    """Write what the job made of a patch, once; returns what is stored."""
    ledger.warehouse.put_new(ledger.key(JUDGED.folder, number), JUDGED.write(judged))
    return judged_of(ledger, number) or judged


def judged_of(ledger: Ledger, number: int) -> JudgedPatch | None:
    """What the job made of a patch, if it is known."""
    key = ledger.key(JUDGED.folder, number)
    raw = ledger.warehouse.find(key)
    return None if raw is None else JUDGED.read(raw, f"{ledger.warehouse.uri}/{key}")


def publications(decisions: Iterable[Decision]) -> list[PublishPatch]:
    """The decisions that published patches, rollbacks among them."""
    return [d for d in decisions if isinstance(d, PublishPatch)]


def batch_of(decisions: Sequence[Decision], number: int) -> int:
    """The batch that published a patch; 0 if none did."""
    return next((d.batch for d in publications(decisions) if d.patch == number), 0)


def rolled_back(decisions: Sequence[Decision]) -> set[int]:
    """Patches that were rolled back."""
    return {d.rolls_back for d in publications(decisions) if d.rolls_back}


def published(ledger: Ledger, decisions: Sequence[Decision]) -> list[tuple[Patch, int]]:
    """The patches that are in the tables, each with its batch, oldest first."""
    out = rolled_back(decisions)
    batches = ((p, batch_of(decisions, p.number)) for p in every(ledger) if p.kind != ROLLBACK)
    return sorted(((p, b) for p, b in batches if b and p.number not in out), key=lambda pair: pair[1])


def flink_name(job: str, number: int) -> str:
    """The name of a patch's bounded job in Flink."""
    return f"{job}@patch-{number}"
