"""Which offsets of a topic hold a committed record, asked of Kafka and of nobody else.

A plain ``read_committed`` consumer without a group: transaction markers and aborted records are left out by
the same rules as for any reader, so an offset that is not handed over here is not a record.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, UnsupportedCodecError

from headrace.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.lake._marks import Offsets

STALLED_SECONDS = 60.0
"""No record and no progress for so long means that a partition has no leader, or that the broker is gone."""

FETCH = {"fetch_max_bytes": 64 << 20, "max_partition_fetch_bytes": 16 << 20, "max_poll_records": 200_000}
"""Big portions: 340,000 records of 180 bytes in 4 s on one busy core, where the defaults take twice that."""


@dataclass(frozen=True)
class Extent:
    """What one partition of the topic can still answer for: offsets from ``start``, below ``end``."""

    start: int
    end: int


def scan(
    bootstrap: str,
    topic: str,
    seen: Callable[[int, Offsets], None],
    tick: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[int, Extent]:
    """Read the topic from its log start to its committed end, and hand over the offsets of its records.

    Args:
        bootstrap: the brokers.
        topic: the topic's name.
        seen: called with a partition and the offsets of some of its records.
        tick: called with offsets passed and offsets in all.

    Returns:
        The extent of each partition. The start is the one *after* reading: what retention removed
        meanwhile is beyond reach, seen or not.

    Raises:
        ClusterError: no such topic, or Kafka does not answer.
    """
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            **FETCH,
        )
    except KafkaError as e:
        raise ClusterError("Kafka does not answer", where=bootstrap, remedy="headrace stack status") from e
    try:
        return _scan(consumer, bootstrap, topic, seen, tick)
    except UnsupportedCodecError as e:
        raise ClusterError(
            f"the topic is compressed with a codec that this Python cannot read: {e}",
            where=topic,
            remedy="pip install zstandard, lz4 or python-snappy",
        ) from e
    except KafkaError as e:
        raise ClusterError(f"the topic cannot be read: {e}", where=f"{bootstrap} {topic}") from e
    finally:
        consumer.close()


def _scan(
    consumer: KafkaConsumer,
    bootstrap: str,
    topic: str,
    seen: Callable[[int, Offsets], None],
    tick: Callable[[int, int], None],
) -> dict[int, Extent]:
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise ClusterError("there is no such topic", where=f"{bootstrap} {topic}", remedy="headrace topic ls")
    parts = [TopicPartition(topic, n) for n in sorted(numbers)]
    consumer.assign(parts)
    starts, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
    total = sum(ends[p] - starts[p] for p in parts)
    left, progressed, before = total, time.monotonic(), total
    while left > 0:
        for part, records in consumer.poll(timeout_ms=1000).items():
            seen(part.partition, np.fromiter((r.offset for r in records), np.int64, len(records)))
        # The position, unlike the last record, also passes markers and aborted records at the end.
        left = sum(max(0, ends[p] - consumer.position(p)) for p in parts)
        if left < before:
            before, progressed = left, time.monotonic()
        elif time.monotonic() - progressed > STALLED_SECONDS:
            raise ClusterError(
                f"Kafka hands over nothing more, {left} offsets before the end",
                where=f"{bootstrap} {topic}",
                remedy="look whether each partition has a leader",
            )
        tick(total - left, total)
    starts = consumer.beginning_offsets(parts)
    return {p.partition: Extent(int(starts[p]), int(ends[p])) for p in parts}
