"""The state of a topic: its id, and the leader epochs that show whether its log kept what was read from it.

A name proves nothing: a topic that is deleted and created again is another topic with another id, and ids are
never reused. Neither does an offset: a log that lost its tail (an unclean leader election, a broker restored
from a copy) assigns the same offsets to other records. But the next leader of a partition writes under a new
leader epoch, and a log keeps its epochs forever. So it is enough to record the newest epoch and where it
begins: a log that still has it there has lost nothing below that epoch's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition
from kafka.errors import UnknownTopicOrPartitionError, for_code
from kafka.protocol.consumer import OffsetForLeaderEpochRequest

from headrace.cluster.kafka.topics import open_admin, read_topic_info
from headrace.offsets import Epoch

_Topic = OffsetForLeaderEpochRequest.OffsetForLeaderTopic
_Partition = _Topic.OffsetForLeaderPartition
UNKNOWN = -1
"""Kafka's answer for an epoch above all those in the log."""


@dataclass(frozen=True)
class KafkaTopicState:
    """A topic at one point in time."""

    id: str | None
    """Kafka's own UUID; None if there is no such topic."""
    ends: dict[int, int] = field(default_factory=dict)
    """Partition → the offset that the next record gets."""
    epochs: dict[int, Epoch] = field(default_factory=dict)
    """Partition → its newest leader epoch."""
    kept: dict[int, int] = field(default_factory=dict)
    """Partition → the offset below which the log is still the one whose epoch was recorded."""
    starts: dict[int, int] = field(default_factory=dict)
    """Partition → the smallest offset that it still holds."""


def topic_state(bootstrap: str, topic: str, noted: Mapping[int, Epoch]) -> KafkaTopicState:
    """The state of a topic now.

    Args:
        bootstrap: the brokers.
        topic: its full name.
        noted: partition → the newest epoch at an earlier time.

    Raises:
        ClusterError: Kafka does not answer, or a partition has no leader.
    """
    with open_admin(bootstrap, topic) as admin:
        try:
            before = read_topic_info(admin, bootstrap, topic)
            newest = _begun(admin, topic, before.epochs)
            still = {p: epoch for p, (epoch, _) in noted.items() if p in before.log_end}
            ends = _ends(admin, topic, still)
            begins = _begun(admin, topic, still)
            # Last: retention moves the log's start, and with it the beginning of epochs; and an id that has
            # not changed now did not change in between.
            now = read_topic_info(admin, bootstrap, topic)
        except UnknownTopicOrPartitionError:
            return KafkaTopicState(None)
    kept_below = {
        p: kept(noted[p], end, begins[p][1], now.log_start.get(p, 0), before.log_end[p])
        for p, end in ends.items()
    }
    return KafkaTopicState(now.id, before.log_end, newest, kept_below, now.log_start)


def kept(noted: Epoch, now: Epoch, begins: int, log_start: int, log_end: int) -> int:
    """The offset below which a log is still the one whose epoch was recorded.

    Args:
        noted: the recorded epoch, and where it began.
        now: the log's newest epoch up to that one, and where it ends now.
        begins: where the epoch before it ends now, which is where it begins.
        log_start: where the log begins; retention moves the beginning of epochs to there.
        log_end: where it ends.
    """
    epoch, began = noted
    newest, end = now
    if newest == UNKNOWN:  # the whole log is older than the epoch: a copy of it was restored
        return min(began, log_end)
    if newest < epoch:  # the epoch is lost with all its records
        return min(began, end)
    if (
        begins != began and begins > log_start
    ):  # another epoch with the same number: the cluster was restored too
        return min(began, begins)
    return end


def _begun(admin: Any, topic: str, epochs: Mapping[int, int]) -> dict[int, Epoch]:
    """Each partition's epoch and where it begins: where the one before it ends. The first begins at 0."""
    below = _ends(admin, topic, {p: epoch - 1 for p, epoch in epochs.items() if epoch > 0})
    return {p: (epoch, below[p][1] if p in below else 0) for p, epoch in epochs.items()}


def _ends(admin: Any, topic: str, wanted: Mapping[int, int]) -> dict[int, Epoch]:
    """For each partition, the log's newest epoch up to the wanted one, and the offset where it ends."""
    return admin._manager.run(_ask, admin, topic, wanted) if wanted else {}  # noqa: SLF001 - see _ask


async def _ask(admin: Any, topic: str, wanted: Mapping[int, int]) -> dict[int, Epoch]:
    """Ask each partition's leader. kafka-python has this request, but only its own consumer sends it."""
    ends: dict[int, Epoch] = {}
    leaders = await admin._async_get_leader_for_partitions(  # noqa: SLF001
        {TopicPartition(topic, p) for p in wanted}
    )
    for leader, parts in leaders.items():
        partitions = [
            _Partition(partition=p.partition, current_leader_epoch=-1, leader_epoch=wanted[p.partition])
            for p in sorted(parts)
        ]
        request = OffsetForLeaderEpochRequest(
            replica_id=-1, topics=[_Topic(topic=topic, partitions=partitions)]
        )
        answer = await admin._manager.send(request, node_id=leader)  # noqa: SLF001
        for p in answer.topics[0].partitions:
            if p.error_code:
                raise for_code(p.error_code)(f"leader epochs of partition {p.partition}")
            ends[p.partition] = (p.leader_epoch, p.end_offset)
    return ends
