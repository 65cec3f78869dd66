"""Which chain of manifests is the branch. Publish moves a head along one, and never follows a fork by itself.

A manifest's parent comes out of Flink's state, so it is true whoever started the job, and however. But two
live submissions can both continue from the head; so each submission first writes a numbered claim, and the
newest claim that was not set aside determines whose manifests are followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headrace.errors import DecisionNeeded, LedgerError
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import chain
from headrace.ledger.records import (
    CLAIMS,
    Claim,
    ForkPoint,
    Manifest,
    SetAside,
)
from headrace.savepoint.metadata import checkpoint_of

ByOutput = Mapping[str, Mapping[str, Manifest]]
"""Staged manifests: output → id → manifest."""


def followed_claim(claims: Iterable[Claim], decisions: StandingDecisions) -> Claim | None:
    """The claim whose manifests publish follows; an adoption holds until a newer submission claims.

    A replay claims a branch of its own: nothing follows it until it is published.
    """
    by_number = {
        c.number: c
        for c in claims
        if c.number not in decisions.set_aside
        and (c.replay is None or c.replay in decisions.published_replays)
    }
    if not by_number:
        return None
    newest = max(by_number)
    for decision in sorted([*decisions.adoption.values(), *decisions.swaps], key=lambda d: -d.number):
        if newest <= decision.newest_claim and decision.claim in by_number:
            return by_number[decision.claim]
    return by_number[newest]


def unpublished_manifests(
    ledger: Ledger, head: Head, output: str, manifests: Mapping[str, Manifest]
) -> dict[str, Manifest]:
    """Staged manifests without those that a restored job committed again after they were folded."""
    newest = head.manifests.get(output)
    last = checkpoint_of(newest) if newest else -1
    only_grew = head.since == 1  # after a replay, a published manifest may have a higher number
    return {
        i: m
        for i, m in manifests.items()
        if (only_grew and m.checkpoint > last) or ledger.published(output, i, head) is None
    }


def newest_manifest(staged: Mapping[str, Manifest], claim: int) -> str | None:
    """The newest staged manifest of a claim, or None."""
    own = [m for m in staged.values() if m.claim == claim]
    return max(own, key=lambda m: m.checkpoint).id if own else None


@dataclass(frozen=True)
class Walk:
    """One output's chain, from a tip back to the head or to where it left it."""

    manifests: list[Manifest]
    """Oldest first."""
    parent: str | None
    """The parent of the oldest."""
    continues_head: bool
    """Whether the chain continues the head: by its parent, or as a recorded start at the frontier."""


def walk(
    head: Head, claims: Iterable[Claim], output: str, staged: Mapping[str, Manifest], newest: str
) -> Walk:
    """Follow a chain back from ``newest``."""
    last = head.manifests.get(output)
    manifests, parent = chain(staged, newest, last)
    continues = parent == last or (parent is None and _restarts(head, claims, manifests))
    return Walk(manifests, parent, continues)


def _restarts(head: Head, claims: Iterable[Claim], manifests: list[Manifest]) -> bool:
    """Whether a chain without parent was sealed by a claim that a restart begins after this very head."""
    return any(c.number == manifests[0].claim and c.begins_after == head.manifests for c in claims)


def fork_point(ledger: Ledger, head: Head, staged: ByOutput, manifests: Mapping[str, str]) -> str | None:
    """Where a checkpoint's chain left the published branch before its head; None if it did not.

    Args:
        ledger: the job's.
        head: what is published.
        staged: all staged manifests.
        manifests: per output the one that the checkpoint continues from. One that is not staged is the
            head, or is still to be committed when the checkpoint is restored: then nothing is known.

    Returns:
        The published manifest at the fork; an empty text where the chain has no beginning in common.
    """
    claims = ledger.claims()
    for output, newest in manifests.items():
        if newest == head.manifests.get(output) or newest not in staged.get(output, {}):
            continue
        walked = walk(head, claims, output, staged[output], newest)
        apart = walked.parent is None or ledger.published(output, walked.parent, head) is not None
        if not walked.continues_head and apart:
            return walked.parent or ""
    return None


def restart_is_due(ledger: Ledger, staged: ByOutput) -> bool:
    """Whether a decided restart is still to come: it is spent once a later claim has sealed a manifest."""
    decisions = StandingDecisions.of(ledger.decisions())
    if decisions.restart is None:
        return False
    forks = {c.number for c in ledger.claims() if c.replay is not None}
    sealed = [m.claim for of_output in staged.values() for m in of_output.values() if m.claim not in forks]
    return max([ledger.head().claim, *sealed]) <= decisions.last_claim_before_restart


def set_aside_unused(ledger: Ledger, staged: ByOutput, claim: int, why: str) -> bool:
    """Set the claim of a submission that has ended aside, if nothing of it is staged or published.

    Publish would wait for its first manifest for ever.
    """
    if ledger.head().claim == claim or any(
        m.claim == claim for of_output in staged.values() for m in of_output.values()
    ):
        return False
    ledger.record_decision(SetAside(why=why, claim=claim, newest_claim=ledger.newest(CLAIMS)))
    return True


def continues_head(ledger: Ledger, head: Head, staged: ByOutput, claim: int) -> bool:
    """Whether a claim has sealed manifests, and those of every output continue the head."""
    claims = ledger.claims()
    for output, manifests in staged.items():
        newest = newest_manifest(manifests, claim)
        if newest is None or not walk(head, claims, output, manifests, newest).continues_head:
            return False
    return True


@dataclass(frozen=True)
class ManifestRange:
    """What publish can take: per output the manifests after the head, up to a common checkpoint."""

    manifests: dict[str, list[Manifest]]

    @property
    def checkpoints(self) -> tuple[int, int]:
        """First and last checkpoint."""
        numbers = [m.checkpoint for manifests in self.manifests.values() for m in manifests]
        return min(numbers), max(numbers)

    @property
    def files(self) -> int:
        """How many files its manifests name."""
        return sum(len(m.files) for manifests in self.manifests.values() for m in manifests)

    def up_to(self, checkpoint: int) -> ManifestRange:
        """The part of it that a checkpoint and those before it sealed."""
        return ManifestRange(
            {o: [m for m in ms if m.checkpoint <= checkpoint] for o, ms in self.manifests.items()}
        )


def publishable_range(ledger: Ledger, head: Head, staged: ByOutput, claim: Claim) -> ManifestRange | None:
    """The manifests from the head to the newest checkpoint that is sealed in every output's chain.

    Returns:
        None when there is nothing after the head yet, or the claim's first manifest is still to come.

    Raises:
        DecisionNeeded: the chain of the claim does not contain the head: it is a fork.
        LedgerError: the chain has a gap, or a second beginning beside the published one.
    """
    chains: dict[str, list[Manifest]] = {}
    claims = ledger.claims()
    for output, manifests in staged.items():
        newest = newest_manifest(manifests, claim.number)
        if newest is None:
            return None
        walked = walk(head, claims, output, manifests, newest)
        if not walked.continues_head:
            _refuse(ledger, output, walked, claim)
        chains[output] = walked.manifests
    return common_prefix(chains)


def common_prefix(chains: dict[str, list[Manifest]]) -> ManifestRange | None:
    """The chains up to the newest checkpoint that is sealed in each."""
    common = set.intersection(*({m.checkpoint for m in chain_} for chain_ in chains.values()))
    if not common:
        return None
    last = max(common)
    return ManifestRange({o: [m for m in chain_ if m.checkpoint <= last] for o, chain_ in chains.items()})


def replay_range(
    ledger: Ledger, fork: ForkPoint, staged: ByOutput, replay: int
) -> tuple[Claim | None, ManifestRange | None]:
    """A replay's newest claim with manifests of every output, and what it has sealed after the fork point.

    Raises:
        LedgerError: its chain does not begin at the fork point.
    """
    for claim in reversed([c for c in ledger.claims() if c.replay == replay]):
        tips = {output: newest_manifest(manifests, claim.number) for output, manifests in staged.items()}
        if all(tips.values()):
            chains = {o: _chain_from(ledger, fork, claim, o, staged[o], m) for o, m in tips.items() if m}
            return claim, common_prefix(chains)
    return None, None


def _chain_from(
    ledger: Ledger, fork: ForkPoint, claim: Claim, output: str, staged: Mapping[str, Manifest], newest: str
) -> list[Manifest]:
    """The manifests of one output of a replay, from its fork point on."""
    walked = walk(Head(manifests=fork.manifests), ledger.claims(), output, staged, newest)
    if not walked.continues_head:
        raise LedgerError(
            f"replay {claim.replay} does not begin at its fork point:"
            f" {walked.manifests[0].id} follows {walked.parent or 'nothing'}",
            where=f"{ledger.warehouse.table_uri(output)}, claim {claim.number}",
            remedy=f"headrace replay abort {ledger.job} {claim.replay} --why TEXT",
        )
    return walked.manifests


def _refuse(ledger: Ledger, output: str, walked: Walk, claim: Claim) -> None:
    where = f"{ledger.warehouse.table_uri(output)}, claim {claim.number} (submission {claim.submission})"
    manifests, parent = walked.manifests, walked.parent
    first, last = manifests[0].checkpoint, manifests[-1].checkpoint
    if parent is not None and ledger.published(output, parent) is None:
        raise LedgerError(
            f"manifest {manifests[0].id} follows {parent}, which is neither staged nor published",
            where=where,
            remedy="if its commit is under way, try again; else files were deleted under _staged",
        )
    point = f"manifest {parent}" if parent else "the very beginning"
    raise DecisionNeeded(
        f"the newest submission forked from {point}, before the newest published manifest:"
        f" its checkpoints {first} to {last} would repeat published rows",
        where=where,
        remedy=f"stop it, then `headrace branch set-aside {ledger.job} {claim.number} --why TEXT`;"
        f" `headrace branch show {ledger.job} {claim.number}` shows its files",
        claim=claim.number,
        fork_point=parent,
        checkpoints=[first, last],
    )
