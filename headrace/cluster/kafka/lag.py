"""How far a frontier is behind its topic, in offsets: 0 when no record is behind it, whatever else is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.cluster.kafka.proof import Verdict, holes
from headrace.cluster.kafka.topics import TopicInfo
from headrace.errors import ClusterError

NEAR = 5_000
"""The end of a transaction takes an offset too. So few offsets are read, to see whether a record is there."""

WITHIN_S = 3.0
"""An open transaction hides what is behind it; then the offsets are all that can be said."""


@dataclass(frozen=True)
class _Tail:
    partition: int
    first: int
    last: int


def lag(bootstrap: str, topic: TopicInfo, frontier: Mapping[int, int]) -> dict[int, int]:
    """Per partition the offsets between ``frontier`` and the end of the topic; 0 if they hold no record."""
    behind = {p: max(0, end - frontier[p]) for p, end in topic.log_end.items()}
    tails = [_Tail(p, frontier[p], topic.log_end[p] - 1) for p, n in behind.items() if 0 < n <= NEAR]
    try:
        proofs = holes(bootstrap, topic.name, tails, within_s=WITHIN_S)
    except ClusterError:
        return behind
    return behind | {p.hole.partition: 0 for p in proofs if p.verdict is Verdict.absent}
