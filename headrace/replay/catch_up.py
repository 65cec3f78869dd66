"""How far a replay's fork has come, in numbers that a progress bar shows."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.job.program import Program
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import StagedManifests
from headrace.ledger.records import Replay
from headrace.publish.progress import JobProgress, branch_progress, fork_progress
from headrace.storage.warehouse import Warehouse


@dataclass(frozen=True)
class CatchUp:
    """How far the fork has come, how far the branch has, and where the replay began."""

    fork: JobProgress
    branch: JobProgress
    start: dict[str, dict[int, int]]

    @property
    def records(self) -> tuple[int, int]:
        """How many offsets the fork has read, of those that the branch has after the fork point."""
        done = total = 0
        for contract, ends in self.branch.positions.items():
            if self.fork.positions and not self.fork.reads(contract):
                continue
            start, fork = self.start.get(contract, {}), self.fork.positions.get(contract, {})
            for partition, end in ends.items():
                first = start.get(partition, 0)
                done += max(0, min(fork.get(partition, first), end) - first)
                total += max(0, end - first)
        return done, total

    @property
    def caught_up(self) -> bool:
        """Whether it has come as far in every partition, and in event time."""
        return self.fork.covers(self.branch)


def read_catch_up(warehouse: Warehouse, ledger: Ledger, program: Program, replay: Replay) -> CatchUp:
    """Read how far the fork is at its newest checkpoint, and how far the branch is."""
    staged = {o.id: StagedManifests(warehouse, o.id).read() for o in program.outputs}
    return CatchUp(
        fork_progress(warehouse, ledger, staged, replay.number),
        branch_progress(warehouse, ledger, has_positions=program.contract.has_topic),
        replay.positions,
    )
