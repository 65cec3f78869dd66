"""What the control side needs from Kafka: real brokers, or topics in memory for tests.

Topic names are full names. A refusal, or no answer in time, is a :class:`~headrace.errors.ClusterError`; a
missing topic is a :class:`~headrace.errors.NoTopicError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from headrace.cluster.kafka.lag import Lag
from headrace.cluster.kafka.portions import Lines
from headrace.cluster.kafka.producer import Sent
from headrace.cluster.kafka.proof import H, Proof
from headrace.cluster.kafka.topic_state import KafkaTopicState
from headrace.cluster.kafka.topics import TopicInfo
from headrace.offsets import Epoch


def ignore_progress(_count: int, /) -> None:
    """Ignore progress."""


class Kafka(Protocol):
    """The brokers of an environment."""

    @property
    def address(self) -> str:
        """The address of the brokers in messages."""

    def topic(self, name: str, /) -> str:
        """The full name of a contract's topic here."""

    def require(self) -> None:
        """Fail at once if no broker listens: other calls would wait for the client's timeout."""

    def describe(self, topic: str, /) -> TopicInfo:
        """The topic as it is now."""

    def offsets_at(self, topic: str, milliseconds: int, /) -> dict[int, int]:
        """The first offset of each partition at or after a Kafka time; the end if there is none."""

    def topic_state(self, topic: str, noted: Mapping[int, Epoch], /) -> KafkaTopicState:
        """The state of a topic, and what its log kept since recorded epochs; a missing topic is no error."""

    def holes(self, topic: str, spans: Iterable[H], /) -> list[Proof[H]]:
        """Prove for each span of offsets whether it contains a committed record."""

    def lag(self, topic: TopicInfo, frontier: Mapping[int, int], /) -> Lag:
        """What a topic holds after ``frontier``."""

    def create_topic(self, topic: str, partitions: int, /) -> tuple[TopicInfo, bool]:
        """Create the topic unless it exists with that many partitions; also return whether it was created."""

    def produce_lines(
        self,
        topic: str,
        path: Path,
        /,
        *,
        key: str | None = None,
        as_is: bool = False,
        from_line: int = 1,
        sent: Sent = ignore_progress,
    ) -> Lines:
        """Send each line of a file from ``from_line`` on as one record."""
