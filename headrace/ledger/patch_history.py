"""What has happened to each patch since it was requested, and which of its rows remain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from headrace.errors import LedgerError, UsageError
from headrace.ledger import patches, replays
from headrace.ledger.fork import swaps
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, AbortPatch, Decision, Patch, PositionsBatch, PublishPatch
from headrace.positions import Positions

PatchState = Literal[
    "requested", "judged", "aborted", "published", "rolled back", "overwritten", "partly overwritten"
]


@dataclass(frozen=True)
class Overwritten:
    """Other rows replaced those of a patch: records were judged again, or that was rolled back."""

    by: str
    """The last that did it, as ``replay 3``, ``rollback of replay 3`` or ``redrive 4``."""
    records: int
    """How many of the patch's."""
    left: int
    """How many are as the patch added them."""


@dataclass(frozen=True)
class _Remaining:
    """What remains of a patch at some batch."""

    by: str
    """The last that took some of it; empty: nothing did."""
    left: Positions

    def less(self, by: str, left: Positions) -> _Remaining:
        """After something that leaves only these."""
        return self if len(left) == len(self.left) else _Remaining(by, left)


class PatchHistory:
    """What has become of a job's patches; decisions are read once."""

    def __init__(self, ledger: Ledger, decisions: Sequence[Decision] | None = None) -> None:
        self.ledger = ledger
        self.decisions = ledger.decisions() if decisions is None else decisions
        self._rolled_back = patches.rolled_back(self.decisions)
        self._records: dict[int, Positions] = {}
        """By batch."""

    def abort_reason(self, number: int) -> str | None:
        """Why a patch was aborted; None if it was not."""
        return next((d.why for d in self.decisions if isinstance(d, AbortPatch) and d.patch == number), None)

    def rolled_back_by(self, number: int) -> PublishPatch | None:
        """The decision that undid a patch; None if none did."""
        return next((d for d in patches.publications(self.decisions) if d.rolls_back == number), None)

    def state(self, number: int) -> PatchState:
        """What has become of a patch by now."""
        if not patches.batch_of(self.decisions, number):
            if self.abort_reason(number) is not None:
                return "aborted"
            return "judged" if patches.judged_of(self.ledger, number) else "requested"
        if number in self._rolled_back:
            return "rolled back"
        if (overwritten := self.overwritten(number)) is None:
            return "published"
        return "partly overwritten" if overwritten.left else "overwritten"

    def records(self, batch: int) -> Positions:
        """The records whose rows a patch's batch replaced."""
        if batch not in self._records:
            record = self.ledger.required(BATCHES, batch)
            if not isinstance(record, PositionsBatch):
                raise LedgerError(
                    f"batch {batch} is not that of a patch", where=f"{self.ledger.folder}/batches"
                )
            self._records[batch] = Positions.of_spans(record.records)
        return self._records[batch]

    def later_patches(self, batch: int) -> list[PublishPatch]:
        """Decisions that published other patches after a batch, oldest first; without those rolled back."""
        return [
            d
            for d in patches.publications(self.decisions)
            if d.batch > batch and not d.rolls_back and d.patch not in self._rolled_back
        ]

    def overwritten(self, number: int) -> Overwritten | None:
        """What later replays, their rollbacks and later patches have left of a patch that is in the tables.

        A replay replaces the rows of all records of the topic after its fork point; its rollback restores
        what was there before. A rollback only restores rows from before another patch: nothing overwrites it.
        """
        batch = patches.batch_of(self.decisions, number)
        if not batch or patches.one(self.ledger, number).kind == patches.ROLLBACK:
            return None
        remaining, own = self._remaining_at(batch), self.records(batch)
        left = len(remaining.left)
        return Overwritten(remaining.by, len(own) - left, left) if remaining.by else None

    def remaining(self, batch: int) -> Positions:
        """The records of a patch's batch whose rows are still those that it added."""
        return self._remaining_at(batch).left

    def changed_by(self, at: int) -> tuple[list[Patch], list[Patch]]:
        """Patches of which a batch has taken some records, and those of which it has brought some back."""
        ended, again = [], []
        for patch, batch in patches.published(self.ledger, self.decisions):
            if batch < at:
                before, after = (len(self._remaining_at(batch, until).left) for until in (at - 1, at))
                ended += [patch] if after < before else []
                again += [patch] if after > before else []
        return ended, again

    def _remaining_at(self, batch: int, until: int | None = None) -> _Remaining:
        """What remains of a patch's batch, now or after a later batch."""
        events: list[tuple[int, PublishPatch | None]] = [(d.batch, d) for d in self.later_patches(batch)]
        events += [(at, None) for at in takewhile(lambda at: at > batch, swaps(self.ledger))]
        events = [(at, patch) for at, patch in events if until is None or at <= until]
        remaining, swapped = _Remaining("", self.records(batch)), dict[int, _Remaining]()
        for at, patch in sorted(events, key=lambda event: event[0]):
            remaining = self._after(at, patch, remaining, swapped)
        return remaining

    def _after(
        self, at: int, patch: PublishPatch | None, remaining: _Remaining, swapped: dict[int, _Remaining]
    ) -> _Remaining:
        """What one later batch leaves; ``swapped`` keeps what each replay overwrites, for its rollback."""
        if patch:
            name = patches.one(self.ledger, patch.patch).name
            return remaining.less(name, remaining.left.without(self.records(at)))
        if number := replays.published_by(self.ledger, at):
            swapped[number] = remaining
            return remaining.less(
                f"replay {number}", remaining.left.before(replays.one(self.ledger, number).frontier)
            )
        number = replays.rolled_back_by(self.ledger, at)
        frontier = replays.one(self.ledger, number).frontier
        there = remaining.left.before(frontier)
        if (before_swap := swapped.get(number)) is None:
            return remaining.less(f"rollback of replay {number}", there)
        shared = before_swap.left.before(frontier)
        again = before_swap.left.without(shared)
        by = before_swap.by if len(there) == len(shared) else remaining.by
        return _Remaining(by, Positions.union([there.offsets, again.offsets]))

    def overwritten_from(self, frontier: Mapping[int, int]) -> list[Patch]:
        """Patches with records at or after a frontier: a replay from there overwrites them."""
        return [
            patch
            for patch, batch in patches.published(self.ledger, self.decisions)
            if len((left := self.remaining(batch)).before(frontier)) < len(left)
        ]


def state(ledger: Ledger, number: int) -> PatchState:
    """What has become of one patch by now."""
    return PatchHistory(ledger).state(number)


def require_open(ledger: Ledger, number: int, *, or_published: bool = False) -> Patch:
    """A patch that can still be judged and published.

    Args:
        ledger: of the job.
        number: of the patch.
        or_published: accept a published one: a concurrent call may have published it.

    Raises:
        UsageError: it is published or was aborted; or it is the rollback of another one.
    """
    patch, now = patches.one(ledger, number), state(ledger, number)
    if patch.kind == patches.ROLLBACK:
        raise UsageError(
            f"patch {number} rolls back patch {patch.rolls_back}",
            remedy=f"headrace patch rollback {ledger.job} {patch.rolls_back} --why TEXT finishes it",
        )
    if now not in ("requested", "judged") and not (or_published and now != "aborted"):
        raise UsageError(
            f"{patch.name} is {now}; requested {patch.at} by {patch.by}: {patch.why}",
            where=f"job {ledger.job}",
            remedy=f"headrace patch ls {ledger.job}",
        )
    return patch
