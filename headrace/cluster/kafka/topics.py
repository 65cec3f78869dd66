"""What a topic is: its id, its partitions, and which offsets it still holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)

from headrace.contact import refusal, require_listening, unreachable
from headrace.errors import ClusterError, NoTopicError

PATIENCE_MS = 15_000
"""How long a broker may take to answer a question of the control side."""

_NOT_REACHED = (KafkaConnectionError, KafkaTimeoutError)
"""The client's errors that may mean that no broker listens; which they do not say."""


@dataclass(frozen=True)
class TopicInfo:
    """A topic as it is now."""

    name: str
    id: str
    """Kafka's own UUID: another one after the topic was deleted and created again under its name."""
    log_start: dict[int, int]
    """Partition → the smallest offset that is still there."""
    log_end: dict[int, int]
    """Partition → the offset that the next record gets, open transactions included."""
    epochs: dict[int, int] = field(default_factory=dict, compare=False)
    """Partition → its newest leader epoch."""

    @property
    def partitions(self) -> int:
        """How many there are."""
        return len(self.log_start)

    def to_json(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "topic": self.name,
            "id": self.id,
            "partitions": [
                {"partition": p, "from": start, "to": self.log_end[p]} for p, start in self.log_start.items()
            ],
        }


def describe(bootstrap: str, topic: str) -> TopicInfo:
    """The topic as it is now.

    Raises:
        ClusterError: no such topic, a partition without leader, or Kafka does not answer.
    """
    with opened(bootstrap, topic) as admin:
        return described(admin, bootstrap, topic)


def offsets_at(bootstrap: str, topic: str, milliseconds: int) -> dict[int, int]:
    """Per partition the first offset whose Kafka time is not before the moment; the end where there is none.

    Raises:
        ClusterError: no such topic, or Kafka does not answer.
    """
    with opened(bootstrap, topic) as admin:
        found = described(admin, bootstrap, topic)
        parts = [TopicPartition(topic, n) for n in found.log_start]
        at = admin.list_partition_offsets(dict.fromkeys(parts, milliseconds))
        named = {p.partition: int(at[p].offset) for p in parts if p in at and at[p].offset >= 0}
        return found.log_end | named


def topic_names(bootstrap: str) -> list[str]:
    """All topics but Kafka's own.

    Raises:
        ClusterError: Kafka does not answer.
    """
    with opened(bootstrap, "") as admin:
        return sorted(name for name in admin.list_topics() if not name.startswith("__"))


def create_topic(
    bootstrap: str,
    topic: str,
    partitions: int,
    *,
    replication: int = -1,
    configs: Mapping[str, str] | None = None,
) -> tuple[TopicInfo, bool]:
    """Make the topic unless it is there, and say whether it was made now.

    Args:
        bootstrap: the brokers.
        topic: its full name, with the environment's prefix.
        partitions: how many it must have.
        replication: copies of each partition; -1 leaves it to the brokers.
        configs: topic settings, for a new topic only.

    Raises:
        ClusterError: it is there with another number of partitions, or Kafka refuses it.
    """
    made = True
    with opened(bootstrap, topic) as admin:
        wanted = {"num_partitions": partitions, "replication_factor": replication, "configs": configs or {}}
        try:
            admin.create_topics({topic: wanted}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            made = False
        found = described(admin, bootstrap, topic)
    require_partitions(found, partitions, bootstrap)
    return found, made


def require_partitions(found: TopicInfo, wanted: int, bootstrap: str) -> None:
    """Refuse a topic that has another number of partitions than its contract says.

    Raises:
        ClusterError: it has.
    """
    if found.partitions != wanted:
        raise ClusterError(
            f"the topic is there with {found.partitions} partitions, and the contract says {wanted}",
            where=where(bootstrap, found.name),
            remedy=f"set topicPartitions to {found.partitions}; more partitions would send keys elsewhere",
            found=found.partitions,
            wanted=wanted,
        )


def where(bootstrap: str, topic: str) -> str:
    """How messages name a topic."""
    return f"topic {topic} at {bootstrap}" if topic else bootstrap


def require_brokers(bootstrap: str) -> None:
    """Refuse at once where no broker listens: the clients ask again until their patience ends.

    Raises:
        ClusterError: none does, and none has in this process.
    """
    require_listening("Kafka", bootstrap, "kafka.bootstrap")


def refused(error: KafkaError, bootstrap: str, topic: str) -> ClusterError:
    """A Kafka client's error as ours."""
    if isinstance(error, UnknownTopicOrPartitionError):
        return NoTopicError(topic, where=where(bootstrap, topic))
    if isinstance(error, _NOT_REACHED) and (reason := refusal(bootstrap)):
        return unreachable("Kafka", bootstrap, "kafka.bootstrap", reason)
    # The text of some errors repeats the whole request; its first line and a limit keep messages readable.
    said = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return ClusterError(
        f"Kafka refused or did not answer: {said}",
        where=where(bootstrap, topic),
        remedy="headrace stack status; for other brokers see kafka.bootstrap in deploy/env",
    )


@contextmanager
def opened(bootstrap: str, topic: str) -> Iterator[Any]:
    """An admin client for questions about a topic; its errors are ours."""
    require_brokers(bootstrap)
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap, bootstrap_timeout_ms=PATIENCE_MS, request_timeout_ms=PATIENCE_MS
        )
    except (KafkaError, OSError) as e:
        raise refused(e if isinstance(e, KafkaError) else KafkaError(e), bootstrap, topic) from e
    try:
        yield admin
    except KafkaError as e:
        raise refused(e, bootstrap, topic) from e
    finally:
        admin.close()


def described(admin: Any, bootstrap: str, topic: str) -> TopicInfo:
    """The topic as it is now, by a client that is open."""
    (found,) = admin.describe_topics([topic])
    if not found["partitions"]:
        raise UnknownTopicOrPartitionError(topic)
    numbers = sorted(p["partition_index"] for p in found["partitions"])
    parts = [TopicPartition(topic, n) for n in numbers]
    starts = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.EARLIEST))
    ends = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.LATEST))
    if found["topic_id"] is None:
        raise ClusterError(
            "the brokers know no topic ids", where=where(bootstrap, topic), remedy="use Kafka 3.0+"
        )
    return TopicInfo(
        name=topic,
        id=str(found["topic_id"]),
        log_start={p.partition: int(starts[p].offset) for p in parts},
        log_end={p.partition: int(ends[p].offset) for p in parts},
        epochs={p.partition: int(ends[p].leader_epoch or 0) for p in parts},
    )
