"""The manifests that publish can take: those of the followed claim after the head, or of a replay's fork."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.errors import DecisionNeeded, LedgerError
from headrace.ledger.branch import ByOutput, Walk, newest_manifest, walk
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Claim, ForkPoint, Manifest


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
            _refuse_fork(ledger, output, walked, claim)
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


def _refuse_fork(ledger: Ledger, output: str, walked: Walk, claim: Claim) -> None:
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
