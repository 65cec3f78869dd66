"""Topics in memory with the same protocol as real brokers: tests pass them in and control what happens.

A topic is a log of offsets for each partition: which of them hold a committed record, the time of each
record, where each leader epoch begins. Payloads are not kept. The tests of the protocol run against these
topics and against a real broker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from uuid import uuid4

from headrace.cluster.kafka.json_lines import json_lines
from headrace.cluster.kafka.lag import Lag, lag
from headrace.cluster.kafka.portions import Lines, require_line
from headrace.cluster.kafka.producer import Sent
from headrace.cluster.kafka.proof import SHOWN, H, HoleVerdict, Proof, unprovable
from headrace.cluster.kafka.protocol import ignore_progress
from headrace.cluster.kafka.topic_state import UNKNOWN, KafkaTopicState, kept
from headrace.cluster.kafka.topics import TopicInfo, require_partitions, where
from headrace.errors import ClusterError, NoTopicError
from headrace.offsets import Epoch


@dataclass
class _Log:
    start: int = 0
    end: int = 0
    gaps: list[range] = field(default_factory=list)
    """Offsets without a record."""
    times: list[tuple[int, int]] = field(default_factory=list)
    """The offsets from which records have another Kafka time, with that time in milliseconds."""
    epochs: list[Epoch] = field(default_factory=lambda: [(0, 0)])

    def records(self, first: int, last: int) -> Iterator[int]:
        """The offsets from ``first`` to ``last`` that hold a record."""
        at = max(first, self.start)
        while at <= last:
            gap = next((g for g in self.gaps if at in g), None)
            if gap is None:
                yield at
            at = gap.stop if gap else at + 1

    def count(self, first: int, last: int) -> int:
        """The number of these offsets, without iterating over them."""
        first = max(first, self.start)
        free = {o for g in self.gaps for o in range(max(g.start, first), min(g.stop, last + 1))}
        return last + 1 - first - len(free)

    def since(self, milliseconds: int) -> int:
        """The first offset with a time not before that time; the end if there is none."""
        return next((max(at, self.start) for at, time in self.times if time >= milliseconds), self.end)

    def upto(self, epoch: int) -> Epoch:
        """The newest epoch up to this one, and where it ends, as brokers report it."""
        if epoch == self.epochs[-1][0]:
            return epoch, self.end
        above = [begins for number, begins in self.epochs if number > epoch]
        if not above:
            return UNKNOWN, UNKNOWN
        below = [number for number, _ in self.epochs if number <= epoch]
        return (below[-1] if below else epoch), above[0]

    def begins(self, epoch: int) -> int:
        return self.upto(epoch - 1)[1] if epoch else 0

    def kept(self, noted: Epoch) -> int:
        return kept(noted, self.upto(noted[0]), self.begins(noted[0]), self.start, self.end)

    def cut(self, offset: int) -> None:
        self.end = offset
        self.gaps = [range(g.start, min(g.stop, offset)) for g in self.gaps if g.start < offset]
        self.times = [(at, time) for at, time in self.times if at < offset]
        newest = self.epochs[-1][0]
        self.epochs = [(number, begins) for number, begins in self.epochs if begins < offset]
        self.epochs.append((newest + 1, offset))


@dataclass
class _Topic:
    logs: dict[int, _Log]
    id: str = field(default_factory=lambda: str(uuid4()))


class FakeKafka:
    """Topics in memory.

    Args:
        prefix: the prefix of each contract's topic.
    """

    def __init__(self, prefix: str = "") -> None:
        self.address = "memory:"
        self.prefix = prefix
        self.questions: list[str] = []
        """The names of all calls, in order."""
        self.then: Callable[[str], object] = lambda _question: None
        """Called with the name of each call after it."""
        self.silent = False
        """While this is set, no question is answered."""
        self._topics: dict[str, _Topic] = {}

    # for tests

    def add_partition(self, topic: str, partition: int) -> None:
        """Add a partition with any number to a topic."""
        self._topics[topic].logs[partition] = _Log()

    def send(self, topic: str, records: int, partition: int = 0, *, at: int = 0) -> range:
        """Add this many records, with a Kafka time in milliseconds, and return their offsets."""
        log = self._log(topic, partition)
        log.times.append((log.end, at))
        log.end += records
        return range(log.end - records, log.end)

    def leave_hole(self, topic: str, offsets: int, partition: int = 0) -> range:
        """Add offsets without records to the log, as an aborted transaction does."""
        log = self._log(topic, partition)
        log.gaps.append(range(log.end, log.end + offsets))
        log.end += offsets
        return log.gaps[-1]

    def compact(self, topic: str, offsets: range, partition: int = 0) -> None:
        """Let compaction remove the records at these offsets."""
        self._log(topic, partition).gaps.append(offsets)

    def delete_below(self, topic: str, offset: int, partition: int = 0) -> None:
        """Let retention delete everything below an offset."""
        log = self._log(topic, partition)
        log.start = offset
        left = [e for e in log.epochs if e[1] <= offset][-1]
        log.epochs = [(left[0], offset), *(e for e in log.epochs if e[1] > offset)]

    def elect(self, topic: str, partition: int = 0) -> None:
        """Let another broker lead a partition, without any loss."""
        log = self._log(topic, partition)
        log.epochs.append((log.epochs[-1][0] + 1, log.end))

    def cut(self, topic: str, offset: int, partition: int = 0) -> None:
        """Let a log lose its tail from an offset on, as in an unclean leader election."""
        self._log(topic, partition).cut(offset)

    def delete(self, topic: str) -> None:
        """Delete a topic."""
        del self._topics[topic]

    def recreate(self, topic: str) -> str:
        """Delete a topic, create it again with its name, and return its new id."""
        self._topics[topic] = _Topic({p: _Log() for p in self._topics[topic].logs})
        return self._topics[topic].id

    # the protocol

    def topic(self, name: str, /) -> str:
        """The name with the prefix."""
        return self.prefix + name

    def require(self) -> None:
        """Fail while the brokers are silent."""
        if self.silent:
            raise ClusterError("Kafka does not answer: it is silent", where=self.address)

    def describe(self, topic: str, /) -> TopicInfo:
        """The topic as it is now."""
        with self._question("describe"):
            return self._described(topic)

    def offsets_at(self, topic: str, milliseconds: int, /) -> dict[int, int]:
        """The first offset of each partition at or after a time; the end if there is none."""
        with self._question("offsets_at"):
            self._described(topic)
            return {p: log.since(milliseconds) for p, log in self._topics[topic].logs.items()}

    def topic_state(self, topic: str, noted: Mapping[int, Epoch], /) -> KafkaTopicState:
        """The state of a topic, and what its log kept since epochs were recorded."""
        with self._question("topic_state"):
            return self._topic_state(topic, noted)

    def holes(self, topic: str, spans: Iterable[H], /) -> list[Proof[H]]:
        """Report for each span of offsets whether it contains a record."""
        wanted = sorted(set(spans), key=lambda s: (s.partition, s.first))
        with self._question("holes"):
            return [self._proof(topic, span) for span in wanted]

    def lag(self, topic: TopicInfo, frontier: Mapping[int, int], /) -> Lag:
        """What a topic holds after ``frontier``."""
        return lag(lambda spans: self.holes(topic.name, spans), topic, frontier)

    def create_topic(self, topic: str, partitions: int, /) -> tuple[TopicInfo, bool]:
        """Create the topic unless it exists."""
        with self._question("create_topic"):
            created = topic not in self._topics
            if created:
                self._topics[topic] = _Topic({p: _Log() for p in range(partitions)})
            description = self._described(topic)
        require_partitions(description, partitions, self.address)
        return description, created

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
        """Add the lines of a file round-robin to the partitions, with or without keys."""
        partitions = self.describe(topic).partitions
        with json_lines(path, key=key, as_is=as_is) as file:
            require_line(file, from_line)
            records = 0
            for turn, line in zip(count(), file):
                if line.number >= from_line:
                    self.send(topic, 1, turn % partitions)
                    records += 1
            sent(records)
            return Lines(records, file.empty)

    # internals

    @contextmanager
    def _question(self, what: str) -> Iterator[None]:
        self.require()
        self.questions.append(what)
        yield
        self.then(what)

    def _topic_state(self, topic: str, noted: Mapping[int, Epoch]) -> KafkaTopicState:
        stored = self._topics.get(topic)
        if stored is None:
            return KafkaTopicState(None)
        logs = stored.logs
        return KafkaTopicState(
            stored.id,
            {p: log.end for p, log in logs.items()},
            {p: (e := log.epochs[-1][0], log.begins(e)) for p, log in logs.items()},
            {p: logs[p].kept(epoch) for p, epoch in noted.items() if p in logs},
            {p: log.start for p, log in logs.items()},
        )

    def _described(self, topic: str) -> TopicInfo:
        stored = self._topics.get(topic)
        if stored is None:
            raise NoTopicError(topic, where=where(self.address, topic))
        return TopicInfo(
            topic,
            stored.id,
            {p: log.start for p, log in stored.logs.items()},
            {p: log.end for p, log in stored.logs.items()},
            {p: log.epochs[-1][0] for p, log in stored.logs.items()},
        )

    def _log(self, topic: str, partition: int) -> _Log:
        return self._topics[topic].logs[partition]

    def _proof(self, topic: str, span: H) -> Proof[H]:
        if topic not in self._topics:
            raise NoTopicError(topic, where=where(self.address, topic))
        log = self._topics[topic].logs.get(span.partition)
        if log is None:
            raise ClusterError(
                f"the topic has no partition {span.partition}", where=where(self.address, topic)
            )
        if span.last >= log.end:
            raise unprovable(topic, span.partition, max(span.first, log.start), span.last, log.end)
        if offsets := tuple(islice(log.records(span.first, span.last), SHOWN)):
            return Proof(span, HoleVerdict.present, offsets, log.count(span.first, span.last))
        return Proof(span, HoleVerdict.lost if span.first < log.start else HoleVerdict.absent)
