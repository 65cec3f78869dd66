"""How far a replay's fork has come, against the branch that it is to replace."""

from __future__ import annotations

from dataclasses import dataclass, field

from headrace.ledger import replays
from headrace.ledger.branch import ByOutput
from headrace.ledger.ledger import Ledger
from headrace.ledger.restore import newest_on_branch
from headrace.offsets import Offsets
from headrace.savepoint.metadata import Checkpoint
from headrace.savepoint.retained import checkpoints_of_submission
from headrace.storage.warehouse import Warehouse

_AS_BEFORE = (1 << 63) - 1
"""An event time that no other exceeds."""


@dataclass(frozen=True)
class JobProgress:
    """How far a job has come at a checkpoint."""

    positions: dict[str, Offsets] = field(default_factory=dict)
    """Per contract that it reads, the next offset of each partition."""
    watermarks: dict[str, int] = field(default_factory=dict)
    """Per output, how far event time has come; irrelevant for ingest jobs."""

    def covers(self, other: JobProgress) -> bool:
        """Whether it has read, and seen of event time, all that the other one has; if that is known.

        A topic of which it holds no partition at all is one that it no longer reads: it was edited.
        """
        read = all(
            self.positions[contract].get(partition, -1) >= offset
            for contract, offsets in other.positions.items()
            if self.reads(contract)
            for partition, offset in offsets.items()
        )
        seen = all(o in self.watermarks and self.watermarks[o] >= at for o, at in other.watermarks.items())
        return any(self.positions.values()) and bool(other.positions) and read and seen

    def reads(self, contract: str) -> bool:
        """Whether it holds a position in a topic; a source has one in each partition from the beginning."""
        return bool(self.positions.get(contract))


def fork_progress(warehouse: Warehouse, ledger: Ledger, staged: ByOutput, replay: int) -> JobProgress:
    """How far the fork had come at its newest checkpoint whose files are committed."""
    progress = JobProgress()
    for claim in replays.claims(ledger, replay):
        for at in checkpoints_of_submission(warehouse, ledger.job, claim.submission):
            if all(manifest in staged.get(output, {}) for output, manifest in at.manifests):
                progress = _at(ledger, at)
    if progress.positions and progress.positions == replays.one(ledger, replay).positions:
        # It has read nothing since it was restored: its event time is that of its state, and Flink, whose
        # watermark begins anew at every start, does not report it.
        return JobProgress(progress.positions, dict.fromkeys(progress.watermarks, _AS_BEFORE))
    return progress


def branch_progress(warehouse: Warehouse, ledger: Ledger, *, has_positions: bool) -> JobProgress:
    """How far the branch has come: an ingest job's frontier, or a derive job's newest checkpoint."""
    if has_positions:
        return JobProgress({ledger.job: ledger.head().frontier})
    newest = newest_on_branch(warehouse, ledger)
    return _at(ledger, newest) if newest else JobProgress()


def _at(ledger: Ledger, checkpoint: Checkpoint) -> JobProgress:
    positions = {contract: checkpoint.positions(topic) for contract, topic in ledger.topics().items()}
    return JobProgress(positions, checkpoint.watermarks())
