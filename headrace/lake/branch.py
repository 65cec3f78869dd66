"""Which chain of manifests is the branch. Publish moves a head along one chain and never follows a fork by itself.

A manifest's parent comes out of Flink's state, so it tells the truth whoever started the job and
however. Two live submissions can both go on from the head, though; so each submission first writes a
numbered claim, and the newest claim that was not set aside says whose manifests are followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.errors import DecisionNeeded, LedgerError
from headrace.lake.ledger import Claim, Head, Ledger, Record
from headrace.lake.manifests import Manifest, chain

ByOutput = Mapping[str, Mapping[str, Manifest]]
"""Staged manifests: output → id → manifest."""


@dataclass(frozen=True)
class Rulings:
    """What people decided, folded: undone decisions are gone."""

    set_aside: dict[int, Record] = field(default_factory=dict)
    adopted: Record | None = None
    losses: tuple[Record, ...] = ()

    @classmethod
    def of(cls, decisions: Iterable[Record]) -> Rulings:
        """Fold decisions, oldest first."""
        found = list(decisions)
        undone = {d["undoes"] for d in found if d["action"] == "undo"}
        valid = [d for d in found if d["number"] not in undone and d["action"] != "undo"]
        adopted = [d for d in valid if d["action"] == "adopt"]
        return cls(
            set_aside={d["claim"]: d for d in valid if d["action"] == "set-aside"},
            adopted=adopted[-1] if adopted else None,
            losses=tuple(d for d in valid if d["action"] == "accept-loss"),
        )


def followed(claims: Iterable[Claim], rulings: Rulings) -> Claim | None:
    """The claim whose manifests publish follows; an adoption holds until a newer submission claims."""
    by_number = {c.number: c for c in claims if c.number not in rulings.set_aside}
    if not by_number:
        return None
    newest = max(by_number)
    adopted = rulings.adopted
    if adopted and newest <= adopted["claims_then"] and adopted["claim"] in by_number:
        return by_number[adopted["claim"]]
    return by_number[newest]


def tip(staged: Mapping[str, Manifest], claim: int) -> str | None:
    """The newest staged manifest of a claim, or None."""
    own = [m for m in staged.values() if m.claim == claim]
    return max(own, key=lambda m: m.checkpoint).id if own else None


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
    for output, manifests in staged.items():
        newest = tip(manifests, claim.number)
        if newest is None:
            return None
        chains[output], reached = chain(manifests, newest, head.manifests.get(output))
        if reached != head.manifests.get(output):
            _refuse(ledger, output, reached, chains[output], claim)
    common = set.intersection(*({m.checkpoint for m in found} for found in chains.values()))
    if not common:
        return None
    last = max(common)
    return Stretch({o: [m for m in found if m.checkpoint <= last] for o, found in chains.items()})


def _refuse(ledger: Ledger, output: str, reached: str | None, walked: list[Manifest], claim: Claim) -> None:
    where = f"{ledger.warehouse.table_uri(output)}, claim {claim.number} (submission {claim.submission})"
    first, last = walked[0].checkpoint, walked[-1].checkpoint
    if reached is not None and ledger.published(output, reached) is None:
        raise LedgerError(
            f"manifest {walked[0].id} follows {reached}, which is neither staged nor published",
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
    """``head``, ``waiting``, ``ahead`` (follows the head), ``fork``, ``left behind``, ``set aside``."""
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


def survey(ledger: Ledger, head: Head, head_claim: int | None, staged: ByOutput) -> list[Branch]:
    """Every claim, with what it has staged and how that stands to the published branch."""
    claims = ledger.claims()
    rulings = Rulings.of(ledger.decisions())
    chosen = followed(claims, rulings)
    kept = _on_branch(head, staged, chosen)
    return [_look(ledger, head, head_claim, staged, c, rulings, chosen, kept) for c in claims]


def _on_branch(head: Head, staged: ByOutput, chosen: Claim | None) -> set[str]:
    """Ids of staged manifests that the followed claim's chain will publish."""
    kept: set[str] = set()
    for output, manifests in staged.items():
        newest = tip(manifests, chosen.number) if chosen else None
        if newest:
            walked, reached = chain(manifests, newest, head.manifests.get(output))
            if reached == head.manifests.get(output):
                kept |= {m.id for m in walked}
    return kept


def _look(
    ledger: Ledger,
    head: Head,
    head_claim: int | None,
    staged: ByOutput,
    claim: Claim,
    rulings: Rulings,
    chosen: Claim | None,
    kept: set[str],
) -> Branch:
    own = {o: sorted((m for m in f.values() if m.claim == claim.number), key=lambda m: m.id) for o, f in staged.items()}
    off = {o: [m for m in found if m.id not in kept] for o, found in own.items()}
    forks_at: dict[str, str | None] = {}
    for output, found in off.items():
        if found:
            _, reached = chain(staged[output], found[-1].id, head.manifests.get(output))
            if reached != head.manifests.get(output) or claim != chosen:
                forks_at[output] = _fork_point(staged[output], found[-1], kept, reached)
    numbers = [m.checkpoint for found in own.values() for m in found]
    return Branch(
        claim=claim,
        state=_state(claim, rulings, chosen, head_claim, own, forks_at, ledger, head),
        followed=claim == chosen,
        forks_at=forks_at,
        checkpoints=(min(numbers), max(numbers)) if numbers else None,
        manifests=own,
    )


def _fork_point(
    staged: Mapping[str, Manifest], newest: Manifest, kept: set[str], reached: str | None
) -> str | None:
    at: Manifest | None = newest
    while at is not None:
        if at.parent in kept or at.parent == reached:
            return at.parent
        at = staged.get(at.parent) if at.parent else None
    return reached


def _state(
    claim: Claim,
    rulings: Rulings,
    chosen: Claim | None,
    head_claim: int | None,
    own: Mapping[str, list[Manifest]],
    forks_at: Mapping[str, str | None],
    ledger: Ledger,
    head: Head,
) -> str:
    if claim.number in rulings.set_aside:
        return "set aside"
    if forks_at:
        return "fork"
    if any(own.values()):
        return "ahead"
    if claim.number == head_claim:
        return "head"
    return "waiting" if claim == chosen else "left behind"
