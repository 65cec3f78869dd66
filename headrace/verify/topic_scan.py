"""Which offsets of a topic hold a committed record, according to Kafka alone.

A plain ``read_committed`` consumer without a group: transaction markers and aborted records are left out by
the same rules as for any reader, so an offset that is not handed over here does not hold a record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, UnsupportedCodecError

from headrace.contact import probe, require_listening, unreachable
from headrace.errors import ClusterError, NoTopicError

if TYPE_CHECKING:
    from headrace.offsets import OffsetArray

STALLED_SECONDS = 60.0
"""No record and no progress for so long means that a partition has no leader, or that the broker is gone."""

FETCH = {
    "fetch_max_bytes": 64 << 20,
    "max_partition_fetch_bytes": 16 << 20,
    "max_poll_records": 200_000,
    # In pure Python the checksum costs three times everything else: 340,000 records took 20 s, not 5.
    # The broker has checked it, and no value is looked at here.
    "check_crcs": False,
}
"""Big portions, offsets only."""

OnOffsets = Callable[[int, "OffsetArray"], None]
"""Called with a partition and the offsets of some of its records."""

ScanProgress = Callable[[int, int], None]
"""Called with offsets passed and offsets in all."""


@dataclass(frozen=True)
class EpochRun:
    """Consecutive records that were written under one leader: its epoch, first and last offset."""

    epoch: int
    first: int
    last: int


@dataclass(frozen=True)
class Extent:
    """The offsets of one partition that the topic can still report on: from ``start``, below ``end``."""

    start: int
    end: int
    runs: tuple[EpochRun, ...] = ()


class Topic(Protocol):
    """Anything that reports which offsets hold a record."""

    @property
    def name(self) -> str:
        """The topic's name."""

    def id(self) -> str | None:
        """Kafka's own id of the topic that has this name now; None where there is none."""

    def scan(self, on_offsets: OnOffsets, tick: ScanProgress) -> dict[int, Extent]:
        """Hand over the offsets of all records; returns how far that reaches in each partition."""


@dataclass(frozen=True)
class KafkaTopic:
    """A topic, read with a consumer of its own."""

    bootstrap: str
    name: str
    patience_ms: int = 10_000
    """How long a broker may take to answer at all."""

    def id(self) -> str | None:
        """Kafka's own id of the topic that has this name now; None where there is none.

        Raises:
            ClusterError: Kafka does not answer.
        """
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=self.patience_ms)
        except KafkaError as e:
            raise self._silent() from e
        try:
            (found,) = admin.describe_topics([self.name])
        except KafkaError as e:
            raise ClusterError(f"the topic cannot be read: {e}", where=self._where()) from e
        finally:
            admin.close()
        return str(found["topic_id"]) if found["partitions"] else None

    def scan(
        self, on_offsets: OnOffsets, tick: ScanProgress = lambda _done, _total: None
    ) -> dict[int, Extent]:
        """Read the topic from its log start to its committed end, and hand over the offsets of its records.

        Returns:
            The extent of each partition. The start is the one *after* reading: what retention removed
            meanwhile is beyond reach, seen or not.

        Raises:
            ClusterError: no such topic, or Kafka does not answer.
        """
        require_listening("Kafka", self.bootstrap, "kafka.bootstrap")
        try:
            consumer = KafkaConsumer(
                bootstrap_servers=self.bootstrap,
                bootstrap_timeout_ms=self.patience_ms,
                group_id=None,
                enable_auto_commit=False,
                isolation_level="read_committed",
                auto_offset_reset="earliest",
                **FETCH,
            )
        except KafkaError as e:
            raise self._silent() from e
        try:
            return self._scan(consumer, on_offsets, tick)
        except UnsupportedCodecError as e:
            raise ClusterError(
                f"the topic is compressed with a codec that kafka-python does not know: {e}",
                where=self.name,
                remedy="pip install --force-reinstall headrace: gzip, lz4, snappy and zstd come with it",
            ) from e
        except KafkaError as e:
            raise ClusterError(f"the topic cannot be read: {e}", where=self._where()) from e
        finally:
            consumer.close()

    def _scan(self, consumer: KafkaConsumer, on_offsets: OnOffsets, tick: ScanProgress) -> dict[int, Extent]:
        numbers = consumer.partitions_for_topic(self.name)
        if not numbers:
            raise NoTopicError(self.name, where=self._where())
        parts = [TopicPartition(self.name, n) for n in sorted(numbers)]
        consumer.assign(parts)
        starts, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
        total = sum(ends[p] - starts[p] for p in parts)
        runs: dict[int, list[EpochRun]] = {n: [] for n in numbers}
        left, progressed = total, time.monotonic()
        while left > 0:
            _poll(consumer, runs, on_offsets)
            # The position, unlike the last record, also passes markers and aborted records at the end.
            before, left = left, sum(max(0, ends[p] - consumer.position(p)) for p in parts)
            progressed = time.monotonic() if left < before else progressed
            self._require_progress(left, progressed)
            tick(total - left, total)
        starts = consumer.beginning_offsets(parts)
        return {p.partition: Extent(int(starts[p]), int(ends[p]), tuple(runs[p.partition])) for p in parts}

    def _require_progress(self, left: int, progressed: float) -> None:
        if time.monotonic() - progressed > STALLED_SECONDS:
            raise ClusterError(
                f"Kafka hands over nothing more, {left} offsets before the end",
                where=self._where(),
                remedy="look whether each partition has a leader",
            )

    def _silent(self) -> ClusterError:
        reason = probe(self.bootstrap) or f"no answer within {self.patience_ms / 1000:g} s"
        return unreachable("Kafka", self.bootstrap, "kafka.bootstrap", reason)

    def _where(self) -> str:
        return f"topic {self.name} at {self.bootstrap}"


def _poll(consumer: KafkaConsumer, runs: dict[int, list[EpochRun]], on_offsets: OnOffsets) -> None:
    """Read some records, note their epochs and hand over their offsets."""
    for part, records in consumer.poll(timeout_ms=1000).items():
        _note(runs[part.partition], records)
        on_offsets(part.partition, np.fromiter((r.offset for r in records), np.int64, len(records)))


def _note(runs: list[EpochRun], records: Sequence[Any]) -> None:
    """Add records to the runs of their partition. Epochs only grow: equal ends, equal epochs between."""
    first, last = records[0], records[-1]
    if first.leader_epoch != last.leader_epoch:
        middle = len(records) // 2
        _note(runs, records[:middle])
        _note(runs, records[middle:])
    elif runs and runs[-1].epoch == first.leader_epoch:
        runs[-1] = EpochRun(first.leader_epoch, runs[-1].first, last.offset)
    else:
        runs.append(EpochRun(first.leader_epoch, first.offset, last.offset))
