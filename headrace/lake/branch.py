"""Which chain of manifests is the branch. Publish moves a head along one, and never follows a fork by itself.

A manifest's parent comes out of Flink's state, so it tells the truth whoever started the job and
however. Two live submissions can both go on from the head, though; so each submission first writes a
numbered claim, and the newest claim that was not set aside says whose manifests are followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

from headrace.errors import DecisionNeeded, LedgerError
from headrace.lake.ledger import Ledger
from headrace.lake.manifests import chain
from headrace.ledger.head import Head
from headrace.ledger.records import (
    CLAIMS,
    AcceptLoss,
    AcceptTail,
    Adopt,
    Claim,
    Decision,
    Discard,
    Manifest,
    ReplaceBranch,
    Restart,
    RollBack,
    SetAside,
    UndoDecision,
    checkpoint_of,
)

ByOutput = Mapping[str, Mapping[str, Manifest]]
"""Staged manifests: output → id → manifest."""


@dataclass(frozen=True)
class Rulings:
    """What people decided, folded: undone decisions are gone."""

    set_aside: dict[int, SetAside] = field(default_factory=dict)
    adopted: Adopt | None = None
    restart: Restart | None = None
    losses: tuple[AcceptLoss, ...] = ()
    tails: tuple[AcceptTail, ...] = ()
    """What may be published although its topic is gone."""
    discards: tuple[Discard, ...] = ()
    replaced: dict[int, ReplaceBranch] = field(default_factory=dict)
    """Replays that became the branch, and were not taken back."""
    back: dict[int, RollBack] = field(default_factory=dict)
    """Replays that were taken back."""

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> Rulings:
        """Fold decisions, oldest first."""
        valid = _standing(list(decisions))
        back = {d.replay: d for d in valid if isinstance(d, RollBack)}
        return cls(
            set_aside={d.claim: d for d in valid if isinstance(d, SetAside)},
            adopted=next((d for d in reversed(valid) if isinstance(d, Adopt)), None),
            restart=next((d for d in reversed(valid) if isinstance(d, Restart)), None),
            losses=tuple(d for d in valid if isinstance(d, AcceptLoss)),
            tails=tuple(d for d in valid if isinstance(d, AcceptTail)),
            discards=tuple(d for d in valid if isinstance(d, Discard)),
            replaced={d.replay: d for d in valid if isinstance(d, ReplaceBranch) and d.replay not in back},
            back=back,
        )

    @property
    def adoption(self) -> Mapping[int, Adopt]:
        """The standing adoption, by its claim."""
        return {self.adopted.claim: self.adopted} if self.adopted else {}

    @property
    def swaps(self) -> list[ReplaceBranch | RollBack]:
        """Replays that were published or taken back, in no order."""
        return [*self.replaced.values(), *self.back.values()]

    @property
    def superseded(self) -> int:
        """The newest claim that a published replay, or its rollback, leaves behind; or 0."""
        return max(self.swaps, key=lambda d: d.number).claims_then if self.swaps else 0

    @property
    def restarted_behind(self) -> int:
        """The newest claim whose checkpoints a restart at the frontier leaves alone, or 0."""
        return self.restart.claims_then if self.restart else 0


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


def followed(claims: Iterable[Claim], rulings: Rulings) -> Claim | None:
    """The claim whose manifests publish follows; an adoption holds until a newer submission claims.

    A replay claims a branch of its own: nothing follows it until it is published.
    """
    by_number = {
        c.number: c
        for c in claims
        if c.number not in rulings.set_aside and (c.replay is None or c.replay in rulings.replaced)
    }
    if not by_number:
        return None
    newest = max(by_number)
    for decision in sorted([*rulings.adoption.values(), *rulings.swaps], key=lambda d: -d.number):
        if newest <= decision.claims_then and decision.claim in by_number:
            return by_number[decision.claim]
    return by_number[newest]


def unpublished(
    ledger: Ledger, head: Head, output: str, manifests: Mapping[str, Manifest]
) -> dict[str, Manifest]:
    """Staged manifests without those that a restored job committed once more after they were folded."""
    newest = head.manifests.get(output)
    last = checkpoint_of(newest) if newest else -1
    grown = head.since == 1  # else a replay went back in numbers: a published manifest may have a higher one
    return {
        i: m
        for i, m in manifests.items()
        if (grown and m.checkpoint > last) or ledger.published(output, i, head) is None
    }


def tip(staged: Mapping[str, Manifest], claim: int) -> str | None:
    """The newest staged manifest of a claim, or None."""
    own = [m for m in staged.values() if m.claim == claim]
    return max(own, key=lambda m: m.checkpoint).id if own else None


@dataclass(frozen=True)
class Walk:
    """One output's chain, from a tip back to the head or to where it stands apart from it."""

    manifests: list[Manifest]
    """Oldest first."""
    reached: str | None
    """The parent of the oldest."""
    goes_on: bool
    """Whether the chain continues the head: by its parent, or as a recorded start at the frontier."""


def walk(
    head: Head, claims: Iterable[Claim], output: str, staged: Mapping[str, Manifest], newest: str
) -> Walk:
    """Follow a chain back from ``newest``."""
    last = head.manifests.get(output)
    walked, reached = chain(staged, newest, last)
    return Walk(walked, reached, reached == last or (reached is None and _restarts(head, claims, walked)))


def _restarts(head: Head, claims: Iterable[Claim], walked: list[Manifest]) -> bool:
    """Whether a chain without parent was sealed by a claim that begins, by ruling, behind this very head."""
    return any(c.number == walked[0].claim and c.begins_behind == head.manifests for c in claims)


def fork_point(ledger: Ledger, head: Head, staged: ByOutput, manifests: Mapping[str, str]) -> str | None:
    """Where a checkpoint's chain left the published branch behind its head; None if it did not.

    Args:
        ledger: the job's.
        head: what is published.
        staged: all staged manifests.
        manifests: per output the one that the checkpoint goes on from. One that is not staged is the head, or
            is still to be committed by whoever restores the checkpoint: then nothing can be said.

    Returns:
        The published manifest at the fork; an empty text where the chain has no beginning in common.
    """
    claims = ledger.claims()
    for output, newest in manifests.items():
        if newest == head.manifests.get(output) or newest not in staged.get(output, {}):
            continue
        walked = walk(head, claims, output, staged[output], newest)
        apart = walked.reached is None or ledger.published(output, walked.reached, head) is not None
        if not walked.goes_on and apart:
            return walked.reached or ""
    return None


def restart_is_due(ledger: Ledger, staged: ByOutput) -> bool:
    """Whether a ruled restart is still to come: once a claim behind it has sealed a manifest, it is spent."""
    rulings = Rulings.of(ledger.decisions())
    if rulings.restart is None:
        return False
    forks = {c.number for c in ledger.claims() if c.replay is not None}
    sealed = [m.claim for found in staged.values() for m in found.values() if m.claim not in forks]
    return max([ledger.head().claim, *sealed]) <= rulings.restarted_behind


def leave_unused(ledger: Ledger, staged: ByOutput, claim: int, why: str) -> bool:
    """Set the claim of a submission that has ended aside, if nothing of it is staged or published.

    Publish would wait for its first manifest for ever.
    """
    if ledger.head().claim == claim or any(
        m.claim == claim for found in staged.values() for m in found.values()
    ):
        return False
    ledger.decide(SetAside(why=why, claim=claim, claims_then=ledger.newest(CLAIMS)))
    return True


def goes_on(ledger: Ledger, head: Head, staged: ByOutput, claim: int) -> bool:
    """Whether a claim has sealed manifests, and those of every output continue the head."""
    claims = ledger.claims()
    for output, manifests in staged.items():
        newest = tip(manifests, claim)
        if newest is None or not walk(head, claims, output, manifests, newest).goes_on:
            return False
    return True


@dataclass(frozen=True)
class Stretch:
    """What publish can take: per output the manifests behind the head, cut at one common checkpoint."""

    manifests: dict[str, list[Manifest]]

    @property
    def checkpoints(self) -> tuple[int, int]:
        """First and last checkpoint."""
        numbers = [m.checkpoint for found in self.manifests.values() for m in found]
        return min(numbers), max(numbers)


def stretch(ledger: Ledger, head: Head, staged: ByOutput, claim: Claim) -> Stretch | None:
    """The manifests from the head to the newest checkpoint that is sealed in every output's chain.

    Returns:
        None when there is nothing behind the head yet, or the claim's first manifest is still to come.

    Raises:
        DecisionNeeded: the chain of the claim does not contain the head: it is a fork.
        LedgerError: the chain has a gap, or begins anew beside a published one.
    """
    chains: dict[str, list[Manifest]] = {}
    claims = ledger.claims()
    for output, manifests in staged.items():
        newest = tip(manifests, claim.number)
        if newest is None:
            return None
        walked = walk(head, claims, output, manifests, newest)
        if not walked.goes_on:
            _refuse(ledger, output, walked, claim)
        chains[output] = walked.manifests
    return cut(chains)


def cut(chains: dict[str, list[Manifest]]) -> Stretch | None:
    """The chains up to the newest checkpoint that is sealed in each."""
    common = set.intersection(*({m.checkpoint for m in found} for found in chains.values()))
    if not common:
        return None
    last = max(common)
    return Stretch({o: [m for m in found if m.checkpoint <= last] for o, found in chains.items()})


def _refuse(ledger: Ledger, output: str, walked: Walk, claim: Claim) -> None:
    where = f"{ledger.warehouse.table_uri(output)}, claim {claim.number} (submission {claim.submission})"
    manifests, reached = walked.manifests, walked.reached
    first, last = manifests[0].checkpoint, manifests[-1].checkpoint
    if reached is not None and ledger.published(output, reached) is None:
        raise LedgerError(
            f"manifest {manifests[0].id} follows {reached}, which is neither staged nor published",
            where=where,
            remedy="if its commit is under way, try again; else files were deleted under _staged",
        )
    point = f"manifest {reached}" if reached else "the very beginning"
    raise DecisionNeeded(
        f"the newest submission forked from {point}, behind what is published:"
        f" its checkpoints {first} to {last} would repeat published rows",
        where=where,
        remedy=f"stop it, then `headrace branch set-aside {ledger.job} {claim.number} --why TEXT`;"
        f" `headrace branch show {ledger.job} {claim.number}` shows its files",
        claim=claim.number,
        fork_point=reached,
        checkpoints=[first, last],
    )


@dataclass(frozen=True)
class Branch:
    """One claim as ``branch ls`` shows it."""

    claim: Claim
    state: str
    """``head``, ``waiting``, ``ahead`` (follows the head), ``fork``, ``replay`` (a fork that was asked for),
    ``left behind``, ``set aside``."""
    followed: bool
    forks_at: dict[str, str | None]
    """Per output the last manifest it shares with the published branch, where it is a fork."""
    checkpoints: tuple[int, int] | None
    """First and last staged checkpoint."""
    manifests: dict[str, list[Manifest]]
    """Staged manifests of the claim, by output."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "claim": self.claim.number,
            "submission": self.claim.submission,
            "restored_from": self.claim.restored_from,
            "at": self.claim.at,
            "state": self.state,
            "followed": self.followed,
            "forks_at": self.forks_at,
            "checkpoints": self.checkpoints,
            "manifests": {o: [m.id for m in found] for o, found in self.manifests.items()},
            "files": {o: sum(len(m.files) for m in found) for o, found in self.manifests.items()},
        }


def survey(ledger: Ledger, head: Head, staged: ByOutput) -> list[Branch]:
    """Every claim, with what it has staged and how that stands to the published branch."""
    return _Survey(ledger, head, staged).branches()


class _Survey:
    """One look at all claims; ``kept`` are the staged manifests that the followed chain will publish."""

    def __init__(self, ledger: Ledger, head: Head, staged: ByOutput) -> None:
        self.head = head
        self.staged = {output: unpublished(ledger, head, output, found) for output, found in staged.items()}
        self.claims = ledger.claims()
        self.rulings = Rulings.of(ledger.decisions())
        self.chosen = followed(self.claims, self.rulings)
        self.kept = self._kept()

    def branches(self) -> list[Branch]:
        return [self._look(claim) for claim in self.claims]

    def _kept(self) -> set[str]:
        kept: set[str] = set()
        for output, manifests in self.staged.items():
            kept |= next((ids for ids in self._continuing(output, manifests)), set())
        return kept

    def _continuing(self, output: str, manifests: Mapping[str, Manifest]) -> Iterator[set[str]]:
        """Chains that go on from the head: the followed claim's first, then those of the claims before it.

        A followed claim that forked, or has not sealed anything, must not make a fork of the good branch.
        """
        for claim in reversed(self.claims):
            if not self.chosen or claim.number > self.chosen.number or claim.number in self.rulings.set_aside:
                continue
            if self._of_open_replay(claim):
                continue
            newest = tip(manifests, claim.number)
            walked = walk(self.head, self.claims, output, manifests, newest) if newest else None
            if walked and walked.goes_on:
                yield {m.id for m in walked.manifests}

    def _of_open_replay(self, claim: Claim) -> bool:
        return claim.replay is not None and claim.replay not in self.rulings.replaced

    def _look(self, claim: Claim) -> Branch:
        own = {
            output: sorted((m for m in found.values() if m.claim == claim.number), key=lambda m: m.id)
            for output, found in self.staged.items()
        }
        off = {output: [m for m in found if m.id not in self.kept] for output, found in own.items()}
        forks_at = {output: self._fork_point(output, found[-1]) for output, found in off.items() if found}
        numbers = [m.checkpoint for found in own.values() for m in found]
        return Branch(
            claim=claim,
            state=self._state(claim, staged=bool(numbers), forked=bool(forks_at)),
            followed=claim == self.chosen,
            forks_at=forks_at,
            checkpoints=(min(numbers), max(numbers)) if numbers else None,
            manifests=own,
        )

    def _fork_point(self, output: str, newest: Manifest) -> str | None:
        """Walking back, the first manifest that is kept or no longer staged."""
        at: Manifest | None = newest
        parent = newest.parent
        while at is not None and at.parent not in self.kept:
            parent = at.parent
            at = self.staged[output].get(at.parent) if at.parent else None
        return at.parent if at is not None else parent

    def _state(self, claim: Claim, *, staged: bool, forked: bool) -> str:
        if claim.number in self.rulings.set_aside or self._of_open_replay(claim):
            return "set aside" if claim.number in self.rulings.set_aside else "replay"
        left = max(self.rulings.restarted_behind, self.rulings.superseded)
        if claim.number <= left and claim != self.chosen:
            return "head" if claim.number == self.head.claim else "left behind"
        if forked:
            return "fork"
        if staged:
            return "ahead"
        if claim.number == self.head.claim:
            return "head"
        return "waiting" if claim == self.chosen else "left behind"
