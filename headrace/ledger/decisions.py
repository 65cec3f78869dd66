"""The decisions of operators, swaps and patches that are in effect: a later one may undo an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import TypeVar

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
from headrace.offsets import Span
from headrace.positions import Positions

D = TypeVar("D", bound=Decision)


@dataclass(frozen=True)
class StandingDecisions:
    """The decisions in effect: those that were not undone."""

    set_aside: dict[int, SetAside] = field(default_factory=dict)
    adopted: Adopt | None = None
    restart: Restart | None = None
    losses: tuple[AcceptLoss, ...] = ()
    tails: tuple[AcceptTail, ...] = ()
    """Staged rows that may be published although their topic is gone."""
    discards: tuple[Discard, ...] = ()
    published_replays: dict[int, ReplaceBranch] = field(default_factory=dict)
    """Replays that became the branch and were not rolled back."""
    rolled_back: dict[int, RollBack] = field(default_factory=dict)
    """Replays that were rolled back."""

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> StandingDecisions:
        """Fold decisions, oldest first."""
        valid = _without_undone(list(decisions))
        rolled_back = {d.replay: d for d in _of_type(RollBack, valid)}
        replays = {d.replay: d for d in _of_type(ReplaceBranch, valid)}
        return cls(
            set_aside={d.claim: d for d in _of_type(SetAside, valid)},
            adopted=_last(_of_type(Adopt, valid)),
            restart=_last(_of_type(Restart, valid)),
            losses=tuple(_of_type(AcceptLoss, valid)),
            tails=tuple(_of_type(AcceptTail, valid)),
            discards=tuple(_of_type(Discard, valid)),
            published_replays={n: d for n, d in replays.items() if n not in rolled_back},
            rolled_back=rolled_back,
        )

    @property
    def adoption(self) -> Mapping[int, Adopt]:
        """The adoption in effect, by its claim."""
        return {self.adopted.claim: self.adopted} if self.adopted else {}

    @property
    def swaps(self) -> list[ReplaceBranch | RollBack]:
        """Replays that were published or rolled back, in no order."""
        return [*self.published_replays.values(), *self.rolled_back.values()]

    @property
    def newest_superseded_claim(self) -> int:
        """The newest claim that is obsolete since a replay was published or rolled back; or 0."""
        return max(self.swaps, key=lambda d: d.number).newest_claim if self.swaps else 0

    def accepts_loss(self, span: Span) -> bool:
        """Whether an operator accepted that records at these offsets are lost."""
        return any(accepted.covers(span) for loss in self.losses for accepted in loss.spans)

    @property
    def last_claim_before_restart(self) -> int:
        """The newest claim before a restart at the frontier: no start uses checkpoints up to it; or 0."""
        return self.restart.newest_claim if self.restart else 0


def _of_type(kind: type[D], decisions: list[Decision]) -> list[D]:
    return [d for d in decisions if isinstance(d, kind)]


def _last(decisions: list[D]) -> D | None:
    return decisions[-1] if decisions else None


def _without_undone(decisions: list[Decision]) -> list[Decision]:
    """Decisions that no later one undid. An undo ends every earlier decision about the same subject."""
    made = {d.number: d for d in decisions if not isinstance(d, UndoDecision)}
    ended: dict[tuple[object, ...], int] = {}
    for undo in _of_type(UndoDecision, decisions):
        same = made.get(undo.undoes)
        if same and same.number > ended.get(subject(same), 0):
            ended[subject(same)] = undo.number
    return [d for d in made.values() if d.number > ended.get(subject(d), 0)]


@singledispatch
def subject(decision: Decision) -> tuple[object, ...]:
    """What a decision is about: a later decision about the same subject replaces it."""
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


def discarded_records(ledger: Ledger) -> Positions:
    """Records that an operator discarded: they stay in quarantine, and no redrive takes them."""
    discards = StandingDecisions.of(ledger.decisions()).discards
    return Positions.of_spans(span for d in discards for span in d.spans)
