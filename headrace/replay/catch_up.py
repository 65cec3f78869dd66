"""How far a replay's fork has come, against the branch that it is to replace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headrace import settings
from headrace.job.program import Program
from headrace.lake import checkpoints, cuts, replays
from headrace.lake.ledger import Ledger
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
    """Look at the fork's newest checkpoint."""
    submissions = [c.submission for c in replays.claims(ledger, replay.number)]
    newest = checkpoints.newest_of(warehouse, ledger.job, submissions)
    stands: Mapping[int, int] = {}
    if newest is not None:
        topic = settings.load().kafka.topic(program.reads[0].topic)
        try:
            raw = warehouse.read(f"{newest.path.removeprefix(f'{warehouse.uri}/')}/_metadata")
        except FileNotFoundError:  # retired between two looks
            raw = b""
        stands = cuts.positions(raw, topic)
    return Reached(dict(stands), ledger.head().frontier, replay.frontier)
