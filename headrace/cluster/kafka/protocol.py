"""What the control side asks of Kafka: real brokers, or topics in memory for tests.

Topics are named in full. Whatever Kafka refuses, or does not answer in time, is a
:class:`~headrace.errors.ClusterError`; a topic that is not there a :class:`~headrace.errors.NoTopicError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from headrace.cluster.kafka.lag import Lag
from headrace.cluster.kafka.portions import Lines
from headrace.cluster.kafka.producer import Sent
from headrace.cluster.kafka.proof import H, Proof
from headrace.cluster.kafka.standing import Epoch, Standing
from headrace.cluster.kafka.topics import TopicInfo


def untold(_count: int, /) -> None:
    """For who does not ask how far it has come."""


class Kafka(Protocol):
    """The brokers of an environment."""

    @property
    def address(self) -> str:
        """How messages name them."""

    def topic(self, name: str, /) -> str:
        """The full name of a contract's topic here."""

    def require(self) -> None:
        """Refuse at once where no broker listens; a question would wait until the client's patience ends."""

    def describe(self, topic: str, /) -> TopicInfo:
        """The topic as it is now."""

    def offsets_at(self, topic: str, milliseconds: int, /) -> dict[int, int]:
        """Per partition the first offset whose Kafka time is not before the moment; else the end."""

    def standing(self, topic: str, noted: Mapping[int, Epoch], /) -> Standing:
        """How a topic stands, and what its log kept since epochs were noted; no error where it is gone."""

    def holes(self, topic: str, spans: Iterable[H], /) -> list[Proof[H]]:
        """Prove for each span of offsets whether a committed record is in it."""

    def lag(self, topic: TopicInfo, frontier: Mapping[int, int], /) -> Lag:
        """What a topic holds behind ``frontier``."""

    def create_topic(self, topic: str, partitions: int, /) -> tuple[TopicInfo, bool]:
        """Make the topic unless it is there with so many partitions; tells whether it was made now."""

    def produce_lines(
        self,
        topic: str,
        path: Path,
        /,
        *,
        key: str | None = None,
        as_is: bool = False,
        from_line: int = 1,
        sent: Sent = untold,
    ) -> Lines:
        """Send each line of a file from ``from_line`` on as one record."""
