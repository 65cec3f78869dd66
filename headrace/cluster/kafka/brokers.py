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
from headrace.cluster.kafka.protocol import untold
from headrace.cluster.kafka.standing import Epoch, Standing, standing
from headrace.cluster.kafka.topics import (
    TopicInfo,
    create_topic,
    describe,
    offsets_at,
    require_brokers,
)


@dataclass(frozen=True)
class Brokers:
    """Real brokers; each question opens a client of its own."""

    settings: settings.Kafka

    @property
    def address(self) -> str:
        """The bootstrap addresses."""
        return self.settings.bootstrap

    def topic(self, name: str) -> str:
        """The name with the environment's prefix."""
        return self.settings.topic(name)

    def require(self) -> None:
        """Refuse at once where no broker listens."""
        require_brokers(self.address)

    def describe(self, topic: str) -> TopicInfo:
        """The topic as it is now."""
        return describe(self.address, topic)

    def offsets_at(self, topic: str, milliseconds: int) -> dict[int, int]:
        """Per partition the first offset whose Kafka time is not before the moment; else the end."""
        return offsets_at(self.address, topic, milliseconds)

    def standing(self, topic: str, noted: Mapping[int, Epoch]) -> Standing:
        """How a topic stands, and what its log kept since epochs were noted."""
        return standing(self.address, topic, noted)

    def holes(self, topic: str, spans: Iterable[H]) -> list[Proof[H]]:
        """Prove for each span of offsets whether a committed record is in it."""
        return holes(self.address, topic, spans)

    def lag(self, topic: TopicInfo, frontier: Mapping[int, int]) -> Lag:
        """What a topic holds behind ``frontier``."""
        return lag(lambda spans: holes(self.address, topic.name, spans, within_s=WITHIN_S), topic, frontier)

    def create_topic(self, topic: str, partitions: int) -> tuple[TopicInfo, bool]:
        """Make the topic unless it is there."""
        return create_topic(self.address, topic, partitions)

    def produce_lines(
        self,
        topic: str,
        path: Path,
        *,
        key: str | None = None,
        as_is: bool = False,
        from_line: int = 1,
        sent: Sent = untold,
    ) -> Lines:
        """Send each line of a file as one record."""
        return produce_lines(self.address, topic, path, key=key, as_is=as_is, from_line=from_line, sent=sent)
