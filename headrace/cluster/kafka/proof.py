"""Proves that Kafka has no record where publish found none, for each hole of a frontier (G1).

Transaction markers, aborted records and compaction leave offsets without a record. Only a consumer can tell
them from records that a job skipped: it reads committed records from the span's start in one pass, and once
its *position* has passed the span's end without returning a record inside it, there is none.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    KafkaError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
    UnsupportedCodecError,
)

from headrace.cluster.kafka.topics import PATIENCE_MS, kafka_error, require_brokers, where
from headrace.errors import ClusterError

SHOWN = 5
"""How many offsets of a disproved hole are named."""

FAR = 5_000
"""Up to this many offsets between two holes are read; a longer distance is skipped. Holes are read
completely."""

POLL_MS = 500
DEADLINE_S = 30.0

_CONSUMER = {
    "group_id": None,
    "enable_auto_commit": False,
    "isolation_level": "read_committed",
    # A reset would skip what retention deleted, and report it as absent.
    "auto_offset_reset": "none",
    "bootstrap_timeout_ms": PATIENCE_MS,
    # In pure Python, the checksum costs more than everything else, and only offsets are needed here.
    "check_crcs": False,
    "max_poll_records": 5_000,
}


class Hole(Protocol):
    """Offsets ``first`` to ``last``, both included, of one partition."""

    @property
    def partition(self) -> int:
        """The partition."""

    @property
    def first(self) -> int:
        """The first offset."""

    @property
    def last(self) -> int:
        """The last offset."""


H = TypeVar("H", bound=Hole)


class HoleVerdict(str, Enum):
    """The result of the proof of a hole."""

    absent = "absent"
    """Kafka made the hole: markers, aborted records, compaction."""
    present = "present"
    """There is a committed record: the reader of the topic skipped it."""
    lost = "lost"
    """At least one of its offsets is below the log start: its content can no longer be known."""


@dataclass(frozen=True)
class Proof(Generic[H]):
    """The verdict on one hole."""

    hole: H
    verdict: HoleVerdict
    offsets: tuple[int, ...] = ()
    """If ``present``: the first few offsets that hold a record."""
    records: int = 0
    """How many offsets hold a record."""


def holes(bootstrap: str, topic: str, spans: Iterable[H], *, within_s: float = DEADLINE_S) -> list[Proof[H]]:
    """Prove for each span whether a consumer of committed records finds none in it.

    Args:
        bootstrap: the brokers.
        topic: its full name.
        spans: in any order, without overlap; those of one partition are read in one pass.
        within_s: seconds without progress before giving up.

    Raises:
        ClusterError: no answer in time (an open transaction before a span's end also causes that), a span
            beyond the end of the log, no such topic.
    """
    by_partition = _by_partition(spans)
    if not by_partition:
        return []
    require_brokers(bootstrap)
    try:
        consumer = KafkaConsumer(bootstrap_servers=bootstrap, **_CONSUMER)
    except KafkaError as e:
        raise kafka_error(e, bootstrap, topic) from e
    try:
        known = consumer.partitions_for_topic(topic)
        if not known:
            raise UnknownTopicOrPartitionError(topic)
        if missing := sorted(by_partition.keys() - known):
            raise ClusterError(f"the topic has no partition {missing[0]}", where=where(bootstrap, topic))
        walks = [
            _Walk(consumer, TopicPartition(topic, p), of_one, within_s) for p, of_one in by_partition.items()
        ]
        return [proof for walk in walks for proof in walk.prove()]
    except UnsupportedCodecError as e:
        raise ClusterError(
            f"the topic is compressed with a codec that kafka-python does not know: {e}",
            where=where(bootstrap, topic),
            remedy="pip install --force-reinstall headrace: gzip, lz4, snappy and zstd come with it",
        ) from e
    except KafkaError as e:
        raise kafka_error(e, bootstrap, topic) from e
    finally:
        consumer.close()


def _by_partition(spans: Iterable[H]) -> dict[int, list[H]]:
    by_partition: dict[int, list[H]] = {}
    for span in sorted(set(spans), key=lambda s: (s.partition, s.first)):
        by_partition.setdefault(span.partition, []).append(span)
    return by_partition


class _Walk(Generic[H]):
    """One pass over the holes of one partition, in order."""

    def __init__(self, consumer: Any, part: Any, spans: Sequence[H], within_s: float) -> None:
        self.consumer, self.part, self.spans, self.within_s = consumer, part, spans, within_s
        self.firsts = [span.first for span in spans]
        self.present: dict[H, list[int]] = {span: [] for span in spans}
        self.records: dict[H, int] = dict.fromkeys(spans, 0)
        self.lost: set[H] = set()

    def prove(self) -> list[Proof[H]]:
        self.consumer.assign([self.part])
        self._begin(0, at=self.firsts[0])
        for number, span in enumerate(self.spans):
            if span.first - self.consumer.position(self.part) > FAR:
                self._begin(number, at=span.first)
            self._pass(number)
        return [self._proof(span) for span in self.spans]

    def _proof(self, span: H) -> Proof[H]:
        if offsets := self.present[span]:
            return Proof(span, HoleVerdict.present, tuple(offsets), self.records[span])
        return Proof(span, HoleVerdict.lost if span in self.lost else HoleVerdict.absent)

    def _begin(self, number: int, at: int) -> None:
        """Continue at an offset, or at the log start: spans that begin below it are then lost."""
        begin = max(at, int(self.consumer.beginning_offsets([self.part])[self.part]))
        self.lost.update(span for span in self.spans[number:] if span.first < begin)
        self.consumer.seek(self.part, begin)

    def _pass(self, number: int) -> None:
        """Read until the position has passed the span's end."""
        end, moved = self.spans[number].last, time.monotonic()
        while (position := self.consumer.position(self.part)) <= end:
            for offset in self._poll(number, position):
                self._note(offset)
            if self.consumer.position(self.part) > position:
                moved = time.monotonic()
            elif time.monotonic() - moved > self.within_s:
                raise self._stuck(position, end)

    def _poll(self, number: int, position: int) -> list[int]:
        try:
            polled = self.consumer.poll(timeout_ms=POLL_MS)
        except OffsetOutOfRangeError:
            if position > int(self.consumer.end_offsets([self.part])[self.part]):
                raise self._stuck(position, self.spans[number].last) from None
            self._begin(number, at=position)  # retention overtook the reader
            return []
        return [record.offset for record in polled.get(self.part, ())]

    def _note(self, offset: int) -> None:
        nearest = bisect_right(self.firsts, offset) - 1
        if nearest >= 0 and offset <= self.spans[nearest].last:
            self.records[self.spans[nearest]] += 1
            offsets = self.present[self.spans[nearest]]
            if len(offsets) < SHOWN:
                offsets.append(offset)

    def _stuck(self, position: int, end: int) -> ClusterError:
        reach = int(self.consumer.end_offsets([self.part])[self.part])
        return unprovable(self.part.topic, self.part.partition, position, end, reach)


def unprovable(topic: str, partition: int, position: int, end: int, reach: int) -> ClusterError:
    """The error for offsets that a reader of committed records cannot pass.

    Args:
        topic: its full name.
        partition: the partition.
        position: the first of the offsets.
        end: the last one.
        reach: where committed records end.
    """
    return ClusterError(
        f"the content of offsets {position} to {end} cannot be proved:"
        f" Kafka returns committed records only up to {reach}",
        where=f"topic {topic}, partition {partition}",
        remedy="if a transaction is open, it ends by itself after its timeout: try again;"
        " else the topic was truncated or created again",
        position=position,
        reach=reach,
    )
