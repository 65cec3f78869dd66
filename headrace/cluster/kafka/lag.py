"""How far a frontier is behind its topic: in offsets and, if they are few enough to be read, in records.

A transaction marker takes an offset, and compaction and aborted transactions leave offsets without a record.
Only a reader can count the records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from headrace.cluster.kafka.proof import HoleVerdict, Proof
from headrace.cluster.kafka.topics import TopicInfo
from headrace.errors import ClusterError

NEAR = 5_000
"""Up to this many offsets of a partition are read, to count their records."""

WITHIN_S = 3.0
"""An open transaction hides the records after it; then only the number of offsets is known."""


@dataclass(frozen=True)
class Lag:
    """What a topic holds after a frontier."""

    offsets: dict[int, int]
    """By partition; 0 if they hold no record."""
    records: int | None
    """How many records that are; None if there are too many offsets to read, or a transaction is open."""


@dataclass(frozen=True)
class UnpublishedSpan:
    """The offsets of a partition that are not published."""

    partition: int
    first: int
    last: int


Prove = Callable[[list[UnpublishedSpan]], list[Proof[UnpublishedSpan]]]
"""Proves whether there are records in the spans; must give up after :data:`WITHIN_S`."""


def lag(prove: Prove, topic: TopicInfo, frontier: Mapping[int, int]) -> Lag:
    """What a topic holds unpublished ``frontier``. What retention has deleted it does not hold."""
    begins = {p: max(frontier[p], start) for p, start in topic.log_start.items()}
    unpublished = {p: max(0, end - begins[p]) for p, end in topic.log_end.items()}
    tails = [
        UnpublishedSpan(p, begins[p], topic.log_end[p] - 1) for p, n in unpublished.items() if 0 < n <= NEAR
    ]
    try:
        proofs = prove(tails)
    except ClusterError:
        return Lag(unpublished, None)
    offsets = unpublished | {p.hole.partition: 0 for p in proofs if p.verdict is HoleVerdict.absent}
    complete = len(proofs) == sum(n > 0 for n in unpublished.values())
    return Lag(offsets, _count(proofs) if complete else None)


def _count(proofs: list[Proof[UnpublishedSpan]]) -> int | None:
    """The number of records; None if some were deleted while they were being read."""
    if any(p.verdict is HoleVerdict.lost for p in proofs):
        return None
    return sum(p.records for p in proofs)
