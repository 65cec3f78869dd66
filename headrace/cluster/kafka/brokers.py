"""The brokers of an environment, as its settings name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace import settings
from headrace.cluster.kafka.lag import WITHIN_S, Lag, lag
from headrace.cluster.kafka.portions import Lines, produce_lines
from headrace.cluster.kafka.producer import Sent
from headrace.cluster.kafka.proof import H, Proof, holes
from headrace.cluster.kafka.protocol import ignore_progress
from headrace.cluster.kafka.topic_state import KafkaTopicState, topic_state
from headrace.cluster.kafka.topics import (
    TopicInfo,
    create_topic,
    describe,
    offsets_at,
    require_brokers,
)
from headrace.offsets import Epoch


@dataclass(frozen=True)
class Brokers:
    """Real brokers; each call opens a client of its own."""

    settings: settings.KafkaSettings

    @property
    def address(self) -> str:
        """The bootstrap addresses."""
        return self.settings.bootstrap

    def topic(self, name: str) -> str:
        """The topic's name with the environment's prefix."""
        return self.settings.topic(name)

    def require(self) -> None:
        """Refuse at once where no broker listens."""
        require_brokers(self.address)

    def describe(self, topic: str) -> TopicInfo:
        """The topic as it is now."""
        return describe(self.address, topic)

    def offsets_at(self, topic: str, milliseconds: int) -> dict[int, int]:
        """The first offset of each partition at or after a Kafka time; the end if there is none."""
        return offsets_at(self.address, topic, milliseconds)

    def topic_state(self, topic: str, noted: Mapping[int, Epoch]) -> KafkaTopicState:
        """The state of a topic, and what its log kept since epochs were recorded."""
        return topic_state(self.address, topic, noted)

    def holes(self, topic: str, spans: Iterable[H]) -> list[Proof[H]]:
        """Prove for each span of offsets whether it contains a committed record."""
        return holes(self.address, topic, spans)

    def lag(self, topic: TopicInfo, frontier: Mapping[int, int]) -> Lag:
        """What a topic holds after ``frontier``."""
        return lag(lambda spans: holes(self.address, topic.name, spans, within_s=WITHIN_S), topic, frontier)

    def create_topic(self, topic: str, partitions: int) -> tuple[TopicInfo, bool]:
        """Create the topic unless it exists."""
        return create_topic(self.address, topic, partitions)

    def produce_lines(
        self,
        topic: str,
        path: Path,
        *,
        key: str | None = None,
        as_is: bool = False,
        from_line: int = 1,
        sent: Sent = ignore_progress,
    ) -> Lines:
        """Send each line of a file as one record."""
        return produce_lines(self.address, topic, path, key=key, as_is=as_is, from_line=from_line, sent=sent)
