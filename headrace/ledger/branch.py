"""Which chain of manifests is the branch. Publish moves a head along one, and never follows a fork by itself.

A manifest's parent comes out of Flink's state, so it is true whoever started the job, and however. But two
live submissions can both continue from the head; so each submission first writes a numbered claim, and the
newest claim that was not set aside determines whose manifests are followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import chain
from headrace.ledger.records import (
    CLAIMS,
    Claim,
    Manifest,
    SetAside,
)
from headrace.savepoint.metadata import checkpoint_of

ByOutput = Mapping[str, Mapping[str, Manifest]]
"""Staged manifests: output → id → manifest."""


def followed_claim(claims: Iterable[Claim], decisions: StandingDecisions) -> Claim | None:
    """The claim whose manifests publish follows; an adoption holds until a newer submission claims.

    The claim of a replay is that of a fork: it is not followed until the replay is published.
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
