"""How far a frontier is behind its topic: offsets, and where it is near enough the records that stand there.

The end of a transaction takes an offset, and compaction and aborted transactions leave offsets without a
record. How many records there are only a reader can say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from headrace.cluster.kafka.proof import Proof, Verdict
from headrace.cluster.kafka.topics import TopicInfo
from headrace.errors import ClusterError

NEAR = 5_000
"""So few offsets of a partition are read, to count the records there."""

WITHIN_S = 3.0
"""An open transaction hides what is behind it; then the offsets are all that can be said."""


@dataclass(frozen=True)
class Lag:
    """What a topic holds behind a frontier."""

    offsets: dict[int, int]
    """Per partition; 0 if they hold no record."""
    records: int | None
    """How many records that are; None if there are too many offsets to read, or a transaction is open."""


@dataclass(frozen=True)
class Tail:
    """The offsets of a partition that are not published."""

    partition: int
    first: int
    last: int


Prove = Callable[[list[Tail]], list[Proof[Tail]]]
"""Proves whether records are in them; must give up within :data:`WITHIN_S`."""


def lag(prove: Prove, topic: TopicInfo, frontier: Mapping[int, int]) -> Lag:
    """What a topic holds behind ``frontier``. What retention has deleted it does not hold."""
    begins = {p: max(frontier[p], start) for p, start in topic.log_start.items()}
    behind = {p: max(0, end - begins[p]) for p, end in topic.log_end.items()}
    tails = [Tail(p, begins[p], topic.log_end[p] - 1) for p, n in behind.items() if 0 < n <= NEAR]
    try:
        proofs = prove(tails)
    except ClusterError:
        return Lag(behind, None)
    offsets = behind | {p.hole.partition: 0 for p in proofs if p.verdict is Verdict.absent}
    counted = len(proofs) == sum(n > 0 for n in behind.values())
    counted &= all(p.verdict is not Verdict.lost for p in proofs)  # deleted while they were read
    return Lag(offsets, sum(p.records for p in proofs) if counted else None)
