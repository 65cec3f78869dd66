"""Every claim of a job, and how its manifests relate to the published branch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from headrace.ledger.branch import ByOutput, followed_claim, newest_manifest, unpublished_manifests, walk
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import (
    Claim,
    Manifest,
)

ClaimState = Literal["head", "waiting", "ahead", "fork", "replay", "left behind", "set aside"]
"""docs/glossary.md defines each of them."""


@dataclass(frozen=True)
class ClaimStatus:
    """One claim as ``branch ls`` shows it."""

    claim: Claim
    state: ClaimState
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
            "manifests": {o: [m.id for m in own] for o, own in self.manifests.items()},
            "files": {o: sum(len(m.files) for m in own) for o, own in self.manifests.items()},
        }


def survey(ledger: Ledger, head: Head, staged: ByOutput) -> list[ClaimStatus]:
    """Every claim, with what it has staged and how that relates to the published branch."""
    return _Survey(ledger, head, staged).statuses()


class _Survey:
    """All claims at one moment; ``kept`` are the staged manifests that the followed chain will publish."""

    def __init__(self, ledger: Ledger, head: Head, staged: ByOutput) -> None:
        self.head = head
        self.staged = {
            output: unpublished_manifests(ledger, head, output, all_) for output, all_ in staged.items()
        }
        self.claims = ledger.claims()
        self.decisions = StandingDecisions.of(ledger.decisions())
        self.chosen = followed_claim(self.claims, self.decisions)
        self.kept = self._kept()

    def statuses(self) -> list[ClaimStatus]:
        return [self._status(claim) for claim in self.claims]

    def _kept(self) -> set[str]:
        kept: set[str] = set()
        for output, manifests in self.staged.items():
            kept |= next((ids for ids in self._continuing(output, manifests)), set())
        return kept

    def _continuing(self, output: str, manifests: Mapping[str, Manifest]) -> Iterator[set[str]]:
        """Chains that continue from the head: the followed claim's first, then those of the claims before it.

        A followed claim that forked, or has not sealed anything, must not turn the good branch into a fork.
        """
        for claim in reversed(self.claims):
            if (
                not self.chosen
                or claim.number > self.chosen.number
                or claim.number in self.decisions.set_aside
            ):
                continue
            if self._of_open_replay(claim):
                continue
            newest = newest_manifest(manifests, claim.number)
            walked = walk(self.head, self.claims, output, manifests, newest) if newest else None
            if walked and walked.continues_head:
                yield {m.id for m in walked.manifests}

    def _of_open_replay(self, claim: Claim) -> bool:
        return claim.replay is not None and claim.replay not in self.decisions.published_replays

    def _status(self, claim: Claim) -> ClaimStatus:
        own = {
            output: sorted((m for m in manifests.values() if m.claim == claim.number), key=lambda m: m.id)
            for output, manifests in self.staged.items()
        }
        forks_at = self._forks_at(own)
        numbers = [m.checkpoint for manifests in own.values() for m in manifests]
        return ClaimStatus(
            claim=claim,
            state=self._state(claim, staged=bool(numbers), forked=bool(forks_at)),
            followed=claim == self.chosen,
            forks_at=forks_at,
            checkpoints=(min(numbers), max(numbers)) if numbers else None,
            manifests=own,
        )

    def _forks_at(self, own: Mapping[str, list[Manifest]]) -> dict[str, str | None]:
        """Per output with manifests that publish does not follow, where their chain left the branch."""
        off = {output: [m for m in manifests if m.id not in self.kept] for output, manifests in own.items()}
        return {
            output: self._fork_point(output, manifests[-1]) for output, manifests in off.items() if manifests
        }

    def _fork_point(self, output: str, newest: Manifest) -> str | None:
        """Walking back, the first manifest that is kept or no longer staged."""
        at: Manifest | None = newest
        parent = newest.parent
        while at is not None and at.parent not in self.kept:
            parent = at.parent
            at = self.staged[output].get(at.parent) if at.parent else None
        return at.parent if at is not None else parent

    def _state(self, claim: Claim, *, staged: bool, forked: bool) -> ClaimState:
        if claim.number in self.decisions.set_aside:
            return "set aside"
        if self._of_open_replay(claim):
            return "replay"
        obsolete = max(self.decisions.last_claim_before_restart, self.decisions.newest_superseded_claim)
        if claim.number <= obsolete and claim != self.chosen:
            return self._state_without_manifests(claim)
        if forked:
            return "fork"
        return "ahead" if staged else self._state_without_manifests(claim)

    def _state_without_manifests(self, claim: Claim) -> ClaimState:
        if claim.number == self.head.claim:
            return "head"
        return "waiting" if claim == self.chosen else "left behind"
