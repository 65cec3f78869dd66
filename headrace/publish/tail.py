"""What is staged of a topic that is gone, or of offsets that it lost: an operator decides if it is published.

A decision names a checkpoint, and is bound to the manifests up to there: what is sealed later is not meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.manifest_range import ManifestRange
from headrace.ledger.records import Claim
from headrace.offsets import OffsetArray, Span
from headrace.publish.staged_files import ReadFile


@dataclass(frozen=True)
class StagedTail:
    """What is staged and not published."""

    claim: int
    checkpoints: tuple[int, int]
    rows: int
    spans: tuple[Span, ...]
    """Per partition from its first offset to its last one; none where rows have no place in a topic."""
    fits: int | None
    """The last checkpoint up to which its offsets go on from what is published; None if not even one does."""

    @classmethod
    def of(
        cls,
        claim: int,
        staged: ManifestRange,
        read: Mapping[str, Sequence[ReadFile]],
        frontier: Mapping[int, int],
    ) -> StagedTail:
        """The tail that these manifests and their files form, after that frontier."""
        files = [f for of_output in read.values() for f in of_output]
        reach: dict[int, tuple[int, int]] = {}
        for partition, offsets in ((p, o) for f in files for p, o in f.positions.items()):
            low, high = reach.get(partition, (int(offsets.min()), int(offsets.max())))
            reach[partition] = min(low, int(offsets.min())), max(high, int(offsets.max()))
        spans = tuple(Span(p, *ends) for p, ends in sorted(reach.items()))
        rows = sum(f.rows for f in files)
        return cls(claim, staged.checkpoints, rows, spans, _fits(staged, read, frontier))

    def __str__(self) -> str:
        first, last = self.checkpoints
        at = f": {', '.join(map(str, self.spans))}" if self.spans else ""
        return f"{self.rows:,} rows of checkpoints {first} to {last}{at}"


def _fits(
    staged: ManifestRange, read: Mapping[str, Sequence[ReadFile]], frontier: Mapping[int, int]
) -> int | None:
    """See :attr:`StagedTail.fits`. A new topic begins at 0, so its offsets may be below published ones."""
    reached, fits = dict(frontier), None
    for checkpoint, positions in sorted(_by_checkpoint(staged, read).items()):
        if any(int(offsets.min()) < reached.get(p, 0) for p, offsets in positions):
            break
        for p, offsets in positions:
            reached[p] = max(reached.get(p, 0), int(offsets.max()) + 1)
        fits = checkpoint
    return fits


def _by_checkpoint(
    staged: ManifestRange, read: Mapping[str, Sequence[ReadFile]]
) -> dict[int, list[tuple[int, OffsetArray]]]:
    """Checkpoint → partition and offsets of each of its files."""
    manifests = [(output, m) for output, of_output in staged.manifests.items() for m in of_output]
    sealed = {(output, f.path): m.checkpoint for output, m in manifests for f in m.files}
    positions: dict[int, list[tuple[int, OffsetArray]]] = {m.checkpoint: [] for _, m in manifests}
    for output, files in read.items():
        for file in files:
            positions[sealed[output, file.file.path]] += file.positions.items()
    return positions


def accepted_range(decisions: StandingDecisions, claim: Claim, staged: ManifestRange) -> ManifestRange | None:
    """The part of a range that an operator decided to publish, or None."""
    for decision in reversed(decisions.tails):
        ends = decision.manifests.items()
        if decision.claim == claim.number and all(
            any(m.id == end for m in staged.manifests[output]) for output, end in ends
        ):
            return staged.up_to(decision.checkpoint)
    return None
