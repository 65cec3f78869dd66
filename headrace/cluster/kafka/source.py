"""What publish asks Kafka about the topics that a job reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.cluster.kafka.proof import H
from headrace.cluster.kafka.protocol import Kafka
from headrace.cluster.kafka.topic_state import KafkaTopicState
from headrace.offsets import Epoch


@dataclass(frozen=True)
class KafkaSource:
    """The topics of one job, at their brokers. Topic names are full names."""

    kafka: Kafka
    reads: tuple[str, ...]
    """The contracts of the topics."""

    def holes(self, topic: str, spans: list[H]) -> dict[H, str]:
        """``absent``, ``present`` or ``lost`` for each span of offsets."""
        return {p.hole: p.verdict.value for p in self.kafka.holes(topic, spans)}

    def topic_state(self, topic: str, noted: Mapping[int, Epoch]) -> KafkaTopicState:
        """The state of a topic, and what its log kept since epochs were recorded."""
        return self.kafka.topic_state(topic, noted)
