"""Topics in memory, an equal of real brokers: a test hands them in and says in plain calls what happens.

A topic is a log of offsets for each partition: which of them hold a committed record, when records came,
which leader epoch begins where. Payloads are not kept. The tests of the protocol run against these topics and
against a real broker.
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
from headrace.cluster.kafka.proof import SHOWN, H, Proof, Verdict, unproved
from headrace.cluster.kafka.protocol import untold
from headrace.cluster.kafka.standing import UNKNOWN, Epoch, Standing, kept
from headrace.cluster.kafka.topics import TopicInfo, require_partitions, where
from headrace.errors import ClusterError, NoTopicError


@dataclass
class _Log:
    start: int = 0
    end: int = 0
    gaps: list[range] = field(default_factory=list)
    """Offsets without a record."""
    times: list[tuple[int, int]] = field(default_factory=list)
    """From which offset on records have which Kafka time, in milliseconds."""
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
        """How many there are, without a look at each."""
        first = max(first, self.start)
        free = {o for g in self.gaps for o in range(max(g.start, first), min(g.stop, last + 1))}
        return last + 1 - first - len(free)

    def since(self, milliseconds: int) -> int:
        """The first offset whose time is not before the moment; else the end."""
        return next((max(at, self.start) for at, time in self.times if time >= milliseconds), self.end)

    def upto(self, epoch: int) -> Epoch:
        """The newest epoch that is not above this one, and where it ends, as brokers answer it."""
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
        prefix: put before each contract's topic.
    """

    def __init__(self, prefix: str = "") -> None:
        self.address = "memory:"
        self.prefix = prefix
        self.asked: list[str] = []
        """Every question, in order."""
        self.then: Callable[[str], object] = lambda _question: None
        """What happens after each question, which is named."""
        self.silent = False
        """Nothing is answered while this is set."""
        self._topics: dict[str, _Topic] = {}

    # what a test says

    def add_partition(self, topic: str, partition: int) -> None:
        """Let a topic have one more partition, of any number."""
        self._topics[topic].logs[partition] = _Log()

    def send(self, topic: str, records: int, partition: int = 0, *, at: int = 0) -> range:
        """Let so many records come in, at a Kafka time in milliseconds; gives their offsets."""
        log = self._log(topic, partition)
        log.times.append((log.end, at))
        log.end += records
        return range(log.end - records, log.end)

    def leave_hole(self, topic: str, offsets: int, partition: int = 0) -> range:
        """Let the log grow by offsets without a record, as an aborted transaction does."""
        log = self._log(topic, partition)
        log.gaps.append(range(log.end, log.end + offsets))
        log.end += offsets
        return log.gaps[-1]

    def compact(self, topic: str, offsets: range, partition: int = 0) -> None:
        """Let compaction remove the records at these offsets."""
        self._log(topic, partition).gaps.append(offsets)

    def delete_below(self, topic: str, offset: int, partition: int = 0) -> None:
        """Let retention delete what is below an offset."""
        log = self._log(topic, partition)
        log.start = offset
        left = [e for e in log.epochs if e[1] <= offset][-1]
        log.epochs = [(left[0], offset), *(e for e in log.epochs if e[1] > offset)]

    def elect(self, topic: str, partition: int = 0) -> None:
        """Let another broker lead a partition, which loses nothing."""
        log = self._log(topic, partition)
        log.epochs.append((log.epochs[-1][0] + 1, log.end))

    def cut(self, topic: str, offset: int, partition: int = 0) -> None:
        """Let a log lose its tail from an offset on, as in an unclean leader election."""
        self._log(topic, partition).cut(offset)

    def delete(self, topic: str) -> None:
        """Delete a topic."""
        del self._topics[topic]

    def recreate(self, topic: str) -> str:
        """Delete a topic, and create it again under its name; gives its new id."""
        self._topics[topic] = _Topic({p: _Log() for p in self._topics[topic].logs})
        return self._topics[topic].id

    # the protocol

    def topic(self, name: str, /) -> str:
        """The name with the prefix."""
        return self.prefix + name

    def require(self) -> None:
        """Refuse while nothing is answered."""
        if self.silent:
            raise ClusterError("Kafka does not answer: it is silent", where=self.address)

    def describe(self, topic: str, /) -> TopicInfo:
        """The topic as it is now."""
        with self._question("describe"):
            return self._described(topic)

    def offsets_at(self, topic: str, milliseconds: int, /) -> dict[int, int]:
        """Per partition the first offset whose time is not before the moment; else the end."""
        with self._question("offsets_at"):
            self._described(topic)
            return {p: log.since(milliseconds) for p, log in self._topics[topic].logs.items()}

    def standing(self, topic: str, noted: Mapping[int, Epoch], /) -> Standing:
        """How a topic stands, and what its log kept since epochs were noted."""
        with self._question("standing"):
            return self._standing(topic, noted)

    def holes(self, topic: str, spans: Iterable[H], /) -> list[Proof[H]]:
        """Tell for each span of offsets whether a record is in it."""
        wanted = sorted(set(spans), key=lambda s: (s.partition, s.first))
        with self._question("holes"):
            return [self._judged(topic, span) for span in wanted]

    def lag(self, topic: TopicInfo, frontier: Mapping[int, int], /) -> Lag:
        """What a topic holds behind ``frontier``."""
        return lag(lambda spans: self.holes(topic.name, spans), topic, frontier)

    def create_topic(self, topic: str, partitions: int, /) -> tuple[TopicInfo, bool]:
        """Make the topic unless it is there."""
        with self._question("create_topic"):
            made = topic not in self._topics
            if made:
                self._topics[topic] = _Topic({p: _Log() for p in range(partitions)})
            found = self._described(topic)
        require_partitions(found, partitions, self.address)
        return found, made

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
        """Take the lines of a file round the partitions, keyed or not."""
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

    # how it goes

    @contextmanager
    def _question(self, what: str) -> Iterator[None]:
        self.require()
        self.asked.append(what)
        yield
        self.then(what)

    def _standing(self, topic: str, noted: Mapping[int, Epoch]) -> Standing:
        found = self._topics.get(topic)
        if found is None:
            return Standing(None)
        logs = found.logs
        return Standing(
            found.id,
            {p: log.end for p, log in logs.items()},
            {p: (e := log.epochs[-1][0], log.begins(e)) for p, log in logs.items()},
            {p: logs[p].kept(epoch) for p, epoch in noted.items() if p in logs},
            {p: log.start for p, log in logs.items()},
        )

    def _described(self, topic: str) -> TopicInfo:
        found = self._topics.get(topic)
        if found is None:
            raise NoTopicError(topic, where=where(self.address, topic))
        return TopicInfo(
            topic,
            found.id,
            {p: log.start for p, log in found.logs.items()},
            {p: log.end for p, log in found.logs.items()},
            {p: log.epochs[-1][0] for p, log in found.logs.items()},
        )

    def _log(self, topic: str, partition: int) -> _Log:
        return self._topics[topic].logs[partition]

    def _judged(self, topic: str, span: H) -> Proof[H]:
        if topic not in self._topics:
            raise NoTopicError(topic, where=where(self.address, topic))
        log = self._topics[topic].logs.get(span.partition)
        if log is None:
            raise ClusterError(
                f"the topic has no partition {span.partition}", where=where(self.address, topic)
            )
        if span.last >= log.end:
            raise unproved(topic, span.partition, max(span.first, log.start), span.last, log.end)
        if found := tuple(islice(log.records(span.first, span.last), SHOWN)):
            return Proof(span, Verdict.present, found, log.count(span.first, span.last))
        return Proof(span, Verdict.lost if span.first < log.start else Verdict.absent)
