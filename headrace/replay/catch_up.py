"""How far a replay's fork has come, against the branch that it is to replace."""

from __future__ import annotations

from dataclasses import dataclass

from headrace import settings
from headrace.job.program import Program
from headrace.lake import checkpoints, cuts, replays
from headrace.lake.ledger import Ledger
from headrace.lake.manifests import Staged
from headrace.lake.replays import Replay
from headrace.lake.store import Warehouse

Offsets = dict[int, int]


@dataclass(frozen=True)
class Reached:
    """Per partition of the topic, where the fork stands at its newest checkpoint, and the branch."""

    fork: Offsets
    branch: Offsets
    begun: Offsets

    @property
    def records(self) -> tuple[int, int]:
        """How many offsets the fork has read of those that the branch holds behind the fork point."""
        spans = [(self.begun.get(p, 0), self.fork.get(p, 0), end) for p, end in self.branch.items()]
        return sum(max(0, min(at, end) - first) for first, at, end in spans), sum(e - f for f, _, e in spans)

    @property
    def caught_up(self) -> bool:
        """Whether it has come as far in every partition."""
        return all(self.fork.get(p, -1) >= end for p, end in self.branch.items())


def reached(warehouse: Warehouse, ledger: Ledger, program: Program, replay: Replay) -> Reached:
    """Look at the fork's newest checkpoint whose files are committed: they come a moment after it."""
    staged = {o.id: Staged(warehouse, o.id).read() for o in program.outputs}
    topic = settings.load().kafka.topic(program.reads[0].topic)
    stands: Offsets = {}
    for claim in replays.claims(ledger, replay.number):
        for at in checkpoints.of_submission(warehouse, ledger.job, claim.submission):
            if all(manifest in staged[output] for output, manifest in at.manifests):
                stands = _positions(warehouse, at.path, topic) or stands
    return Reached(stands, ledger.head().frontier, replay.frontier)


def _positions(warehouse: Warehouse, path: str, topic: str) -> Offsets:
    try:
        raw = warehouse.read(f"{path.removeprefix(f'{warehouse.uri}/')}/_metadata")
    except FileNotFoundError:  # retired between two looks
        return {}
    return cuts.positions(raw, topic)
