"""What publish asks Kafka about the topics that a job reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.cluster.kafka.proof import H
from headrace.cluster.kafka.protocol import Kafka
from headrace.cluster.kafka.standing import Epoch, Standing


@dataclass(frozen=True)
class Source:
    """The topics of one job, at their brokers. Topics are named in full."""

    kafka: Kafka
    reads: tuple[str, ...]
    """The contracts of the topics."""

    def holes(self, topic: str, spans: list[H]) -> dict[H, str]:
        """``absent``, ``present`` or ``lost`` for each span of offsets."""
        return {p.hole: p.verdict.value for p in self.kafka.holes(topic, spans)}

    def standing(self, topic: str, noted: Mapping[int, Epoch]) -> Standing:
        """How a topic stands, and what its log kept since epochs were noted."""
        return self.kafka.standing(topic, noted)
