"""What people, swaps and patches have decided, as it stands now: a later decision undoes an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import singledispatch

from headrace.ledger.ledger import Ledger
from headrace.ledger.records import (
    AcceptLoss,
    AcceptTail,
    Adopt,
    Decision,
    Discard,
    ReplaceBranch,
    Restart,
    RollBack,
    SetAside,
    UndoDecision,
)
from headrace.positions import Positions


@dataclass(frozen=True)
class StandingDecisions:
    """What people decided, folded: undone decisions are gone."""

    set_aside: dict[int, SetAside] = field(default_factory=dict)
    adopted: Adopt | None = None
    restart: Restart | None = None
    losses: tuple[AcceptLoss, ...] = ()
    tails: tuple[AcceptTail, ...] = ()
    """What may be published although its topic is gone."""
    discards: tuple[Discard, ...] = ()
    published_replays: dict[int, ReplaceBranch] = field(default_factory=dict)
    """Replays that became the branch, and were not taken back."""
    rolled_back: dict[int, RollBack] = field(default_factory=dict)
    """Replays that were taken back."""

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> StandingDecisions:
        """Fold decisions, oldest first."""
        valid = _standing(list(decisions))
        rolled_back = {d.replay: d for d in valid if isinstance(d, RollBack)}
        return cls(
            set_aside={d.claim: d for d in valid if isinstance(d, SetAside)},
            adopted=next((d for d in reversed(valid) if isinstance(d, Adopt)), None),
            restart=next((d for d in reversed(valid) if isinstance(d, Restart)), None),
            losses=tuple(d for d in valid if isinstance(d, AcceptLoss)),
            tails=tuple(d for d in valid if isinstance(d, AcceptTail)),
            discards=tuple(d for d in valid if isinstance(d, Discard)),
            published_replays={
                d.replay: d for d in valid if isinstance(d, ReplaceBranch) and d.replay not in rolled_back
            },
            rolled_back=rolled_back,
        )

    @property
    def adoption(self) -> Mapping[int, Adopt]:
        """The standing adoption, by its claim."""
        return {self.adopted.claim: self.adopted} if self.adopted else {}

    @property
    def swaps(self) -> list[ReplaceBranch | RollBack]:
        """Replays that were published or taken back, in no order."""
        return [*self.published_replays.values(), *self.rolled_back.values()]

    @property
    def superseded(self) -> int:
        """The newest claim that a published replay, or its rollback, leaves behind; or 0."""
        return max(self.swaps, key=lambda d: d.number).newest_claim if self.swaps else 0

    @property
    def last_claim_before_restart(self) -> int:
        """The newest claim whose checkpoints a restart at the frontier leaves alone, or 0."""
        return self.restart.newest_claim if self.restart else 0


def _standing(decisions: list[Decision]) -> list[Decision]:
    """Decisions that no later one took back. An undo ends all that said the same before it."""
    made = {d.number: d for d in decisions if not isinstance(d, UndoDecision)}
    ended: dict[tuple[object, ...], int] = {}
    for undo in (d for d in decisions if isinstance(d, UndoDecision)):
        same = made.get(undo.undoes)
        if same and same.number > ended.get(subject(same), 0):
            ended[subject(same)] = undo.number
    return [d for d in made.values() if d.number > ended.get(subject(d), 0)]


@singledispatch
def subject(decision: Decision) -> tuple[object, ...]:
    """What a decision is about: two of the same subject say the same."""
    return (decision.action,)


@subject.register(SetAside)
@subject.register(Adopt)
@subject.register(ReplaceBranch)
@subject.register(RollBack)
def _(decision: SetAside | Adopt | ReplaceBranch | RollBack) -> tuple[object, ...]:
    return decision.action, decision.claim


@subject.register
def _(decision: AcceptTail) -> tuple[object, ...]:
    return decision.action, decision.claim, decision.checkpoint


@subject.register(AcceptLoss)
@subject.register(Discard)
def _(decision: AcceptLoss | Discard) -> tuple[object, ...]:
    return decision.action, decision.spans


def discarded(ledger: Ledger) -> Positions:
    """Records that a person gave up: they stay where they are, and no redrive takes them."""
    standing = StandingDecisions.of(ledger.decisions()).discards
    return Positions.of_spans(span for d in standing for span in d.spans)
