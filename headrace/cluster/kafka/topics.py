"""Describes topics: id, partitions, and which offsets they still hold. Also creates them."""

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

from headrace.contact import probe, require_listening, unreachable
from headrace.errors import ClusterError, NoTopicError

PATIENCE_MS = 15_000
"""How long a broker may take to answer a request of the control side."""

_NOT_REACHED = (KafkaConnectionError, KafkaTimeoutError)
"""The client's errors that may mean that no broker listens, without saying so."""


@dataclass(frozen=True)
class TopicInfo:
    """A topic as it is now."""

    name: str
    id: str
    """Kafka's own UUID: it changes if the topic is deleted and created again with its name."""
    log_start: dict[int, int]
    """Partition → the smallest offset that it still holds."""
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
    with open_admin(bootstrap, topic) as admin:
        return read_topic_info(admin, bootstrap, topic)


def offsets_at(bootstrap: str, topic: str, milliseconds: int) -> dict[int, int]:
    """The first offset of each partition at or after a Kafka time; the end if there is none.

    Raises:
        ClusterError: no such topic, or Kafka does not answer.
    """
    with open_admin(bootstrap, topic) as admin:
        description = read_topic_info(admin, bootstrap, topic)
        parts = [TopicPartition(topic, n) for n in description.log_start]
        at = admin.list_partition_offsets(dict.fromkeys(parts, milliseconds))
        by_time = {p.partition: int(at[p].offset) for p in parts if p in at and at[p].offset >= 0}
        return description.log_end | by_time


def topic_names(bootstrap: str) -> list[str]:
    """All topics but Kafka's own.

    Raises:
        ClusterError: Kafka does not answer.
    """
    with open_admin(bootstrap, "") as admin:
        return sorted(name for name in admin.list_topics() if not name.startswith("__"))


def create_topic(
    bootstrap: str,
    topic: str,
    partitions: int,
    *,
    replication: int = -1,
    configs: Mapping[str, str] | None = None,
) -> tuple[TopicInfo, bool]:
    """Create the topic unless it exists, and also return whether it was created.

    Args:
        bootstrap: the brokers.
        topic: its full name, with the environment's prefix.
        partitions: the number of partitions it must have.
        replication: copies of each partition; -1 leaves it to the brokers.
        configs: topic settings, for a new topic only.

    Raises:
        ClusterError: it exists with another number of partitions, or Kafka refuses to create it.
    """
    created = True
    with open_admin(bootstrap, topic) as admin:
        wanted = {"num_partitions": partitions, "replication_factor": replication, "configs": configs or {}}
        try:
            admin.create_topics({topic: wanted}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            created = False
        description = read_topic_info(admin, bootstrap, topic)
    require_partitions(description, partitions, bootstrap)
    return description, created


def require_partitions(topic: TopicInfo, wanted: int, bootstrap: str) -> None:
    """Refuse a topic whose number of partitions differs from its contract.

    Raises:
        ClusterError: it has.
    """
    if topic.partitions != wanted:
        raise ClusterError(
            f"the topic exists with {topic.partitions} partitions, and the contract has {wanted}",
            where=where(bootstrap, topic.name),
            remedy=f"set topicPartitions to {topic.partitions}; more partitions would send keys elsewhere",
            actual=topic.partitions,
            wanted=wanted,
        )


def where(bootstrap: str, topic: str) -> str:
    """A topic in messages."""
    return f"topic {topic} at {bootstrap}" if topic else bootstrap


def require_brokers(bootstrap: str) -> None:
    """Fail at once if no broker listens: the clients would retry until their timeout.

    Raises:
        ClusterError: no broker listens, and none has answered in this process before.
    """
    require_listening("Kafka", bootstrap, "kafka.bootstrap")


def kafka_error(error: KafkaError, bootstrap: str, topic: str) -> ClusterError:
    """A Kafka client's error as ours."""
    if isinstance(error, UnknownTopicOrPartitionError):
        return NoTopicError(topic, where=where(bootstrap, topic))
    if isinstance(error, _NOT_REACHED) and (reason := probe(bootstrap)):
        return unreachable("Kafka", bootstrap, "kafka.bootstrap", reason)
    # The text of some errors repeats the whole request: only the start of its first line is shown.
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return ClusterError(
        f"Kafka refused or did not answer: {reason}",
        where=where(bootstrap, topic),
        remedy="headrace stack status; for other brokers see kafka.bootstrap in deploy/env",
    )


@contextmanager
def open_admin(bootstrap: str, topic: str) -> Iterator[Any]:
    """An admin client for questions about a topic; its errors become ours."""
    require_brokers(bootstrap)
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap, bootstrap_timeout_ms=PATIENCE_MS, request_timeout_ms=PATIENCE_MS
        )
    except (KafkaError, OSError) as e:
        raise kafka_error(e if isinstance(e, KafkaError) else KafkaError(e), bootstrap, topic) from e
    try:
        yield admin
    except KafkaError as e:
        raise kafka_error(e, bootstrap, topic) from e
    finally:
        admin.close()


def read_topic_info(admin: Any, bootstrap: str, topic: str) -> TopicInfo:
    """The topic as it is now, read with an open client."""
    (description,) = admin.describe_topics([topic])
    if not description["partitions"]:
        raise UnknownTopicOrPartitionError(topic)
    numbers = sorted(p["partition_index"] for p in description["partitions"])
    parts = [TopicPartition(topic, n) for n in numbers]
    starts = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.EARLIEST))
    ends = admin.list_partition_offsets(dict.fromkeys(parts, OffsetSpec.LATEST))
    if description["topic_id"] is None:
        raise ClusterError(
            "the brokers know no topic ids", where=where(bootstrap, topic), remedy="use Kafka 3.0+"
        )
    return TopicInfo(
        name=topic,
        id=str(description["topic_id"]),
        log_start={p.partition: int(starts[p].offset) for p in parts},
        log_end={p.partition: int(ends[p].offset) for p in parts},
        epochs={p.partition: int(ends[p].leader_epoch or 0) for p in parts},
    )
