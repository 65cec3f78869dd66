"""What brokers promise, asked of topics in memory and of a real broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from headrace.cluster.kafka import Brokers, HoleVerdict, Kafka, Lag
from headrace.cluster.kafka.fake import FakeKafka
from headrace.errors import ClusterError, NoTopicError, UsageError
from tests.cluster.brokers import Broker, Span, transactional
from tests.stack.waiting import until
from tests.stack_fixtures import Stack


class Lab(Protocol):
    """Brokers, and a test's hand on them. All is about partition 0."""

    kafka: Kafka

    def send(self, topic: str, records: int, *, at: int) -> None: ...
    def abort(self, topic: str, records: int) -> None:
        """Let the log grow by an aborted transaction."""

    def delete_below(self, topic: str, offset: int) -> None: ...
    def delete(self, topic: str) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.fake = FakeKafka("dev.")
        self.kafka: Kafka = self.fake

    def send(self, topic: str, records: int, *, at: int) -> None:
        self.fake.send(topic, records, at=at)

    def abort(self, topic: str, records: int) -> None:
        self.fake.leave_hole(topic, records + 1)  # and the marker of its end

    def delete_below(self, topic: str, offset: int) -> None:
        self.fake.delete_below(topic, offset)

    def delete(self, topic: str) -> None:
        self.fake.delete(topic)


class Real:
    def __init__(self, stack: Stack) -> None:
        self.settings = stack.settings.kafka.model_copy(update={"topic_prefix": "dev."})
        self.kafka: Kafka = Brokers(self.settings)

    def send(self, topic: str, records: int, *, at: int) -> None:
        producer = KafkaProducer(bootstrap_servers=self.settings.bootstrap)
        for _ in range(records):
            producer.send(topic, b"x", partition=0, timestamp_ms=at)
        producer.flush()
        producer.close()

    def abort(self, topic: str, records: int) -> None:
        producer = transactional(self.settings.bootstrap)
        producer.begin_transaction()
        for _ in range(records):
            producer.send(topic, b"x", partition=0)
        producer.flush()
        producer.abort_transaction()
        producer.close()

    def delete_below(self, topic: str, offset: int) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.settings.bootstrap)
        admin.delete_records({TopicPartition(topic, 0): offset})
        admin.close()

    def delete(self, topic: str) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.settings.bootstrap)
        admin.delete_topics([topic])
        admin.close()


class Obedient:
    """One set of tests for all brokers."""

    @pytest.fixture
    def topic(self, lab: Lab) -> str:
        name = lab.kafka.topic(f"kafka-{uuid4().hex[:8]}")
        lab.kafka.create_topic(name, 2)
        return name

    def test_a_contracts_topic_has_the_prefix_of_the_environment(self, lab: Lab) -> None:
        assert lab.kafka.topic("flights") == "dev.flights"
        lab.kafka.require()

    def test_a_topic_is_made_once(self, lab: Lab) -> None:
        name = f"kafka-{uuid4().hex[:8]}"

        first, made = lab.kafka.create_topic(name, 3)
        second, again = lab.kafka.create_topic(name, 3)

        assert (made, again) == (True, False)
        assert first == second == lab.kafka.describe(name)
        assert first.log_start == first.log_end == {0: 0, 1: 0, 2: 0}
        with pytest.raises(ClusterError, match="exists with 3 partitions, and the contract has 4") as refused:
            lab.kafka.create_topic(name, 4)
        assert refused.value.facts == {"actual": 3, "wanted": 4}

    def test_no_such_topic(self, lab: Lab, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("{}\n")
        asked: list[Callable[[str], object]] = [
            lab.kafka.describe,
            lambda name: lab.kafka.offsets_at(name, 0),
            lambda name: lab.kafka.holes(name, [Span(0, 0, 0)]),
            lambda name: lab.kafka.produce_lines(name, tmp_path / "file"),
        ]
        for ask in asked:
            with pytest.raises(NoTopicError) as refused:
                ask("nonesuch")
            assert refused.value.topic == "nonesuch"
        assert lab.kafka.topic_state("nonesuch", {}).id is None

    def test_offsets_grow_and_are_found_by_their_time(self, lab: Lab, topic: str) -> None:
        lab.send(topic, 5, at=1000)
        lab.send(topic, 5, at=2000)

        assert lab.kafka.describe(topic).log_end == {0: 10, 1: 0}
        found = [lab.kafka.offsets_at(topic, at)[0] for at in (0, 1000, 1001, 2000, 2001)]
        assert found == [0, 0, 5, 5, 10]
        assert lab.kafka.offsets_at(topic, 0)[1] == 0

    def test_holes(self, lab: Lab, topic: str) -> None:
        lab.send(topic, 10, at=1000)
        lab.abort(topic, 3)
        lab.send(topic, 1, at=1000)
        spans = [Span(0, 10, 13), Span(0, 3, 3), Span(0, 14, 14)]

        found = {p.hole: (p.verdict, p.offsets) for p in lab.kafka.holes(topic, spans)}

        assert found == {
            spans[0]: (HoleVerdict.absent, ()),
            spans[1]: (HoleVerdict.present, (3,)),
            spans[2]: (HoleVerdict.present, (14,)),
        }
        assert lab.kafka.holes(topic, [Span(0, 4, 12)])[0].offsets == (4, 5, 6, 7, 8)
        lab.delete_below(topic, 5)
        verdicts = [lab.kafka.holes(topic, [span])[0].verdict for span in (Span(0, 0, 4), Span(0, 4, 5))]
        assert verdicts == [HoleVerdict.lost, HoleVerdict.present]
        with pytest.raises(ClusterError, match="has no partition 2"):
            lab.kafka.holes(topic, [Span(2, 0, 0)])
        assert lab.kafka.holes(topic, []) == []

    def test_lag_counts_offsets_that_hold_a_record(self, lab: Lab, topic: str) -> None:
        lab.send(topic, 10, at=1000)
        lab.abort(topic, 3)
        ends = {0: 14, 1: 0}  # the marker of an aborted transaction comes a moment after the client knows
        found = until("the marker", lambda: (t := lab.kafka.describe(topic)).log_end == ends and t)

        assert lab.kafka.lag(found, {0: 4, 1: 0}) == Lag({0: 10, 1: 0}, records=6)
        assert lab.kafka.lag(found, {0: 10, 1: 0}) == Lag({0: 0, 1: 0}, records=0)
        lab.delete_below(topic, 5)
        assert lab.kafka.lag(lab.kafka.describe(topic), {0: 0, 1: 0}) == Lag({0: 9, 1: 0}, records=5)

    def test_retention_moves_the_start_of_the_log(self, lab: Lab, topic: str) -> None:
        lab.send(topic, 10, at=1000)
        before = lab.kafka.topic_state(topic, {})

        lab.delete_below(topic, 5)

        assert lab.kafka.describe(topic).log_start == {0: 5, 1: 0}
        found = lab.kafka.topic_state(topic, before.epochs)
        assert (found.id, found.ends[0], found.kept[0]) == (before.id, 10, 10), "it is no loss of the tail"
        assert found.starts == {0: 5, 1: 0}

    def test_a_recreated_topic_is_another_one(self, lab: Lab, topic: str) -> None:
        lab.send(topic, 5, at=1000)
        before = lab.kafka.topic_state(topic, {})
        assert (before.ends, before.epochs[0]) == ({0: 5, 1: 0}, (0, 0))

        lab.delete(topic)
        after, made = lab.kafka.create_topic(topic, 2)

        assert made
        assert before.id == str(before.id) != after.id
        assert lab.kafka.topic_state(topic, before.epochs).id == after.id
        assert after.log_end == {0: 0, 1: 0}

    def test_lines_of_a_file_become_records(self, lab: Lab, topic: str, tmp_path: Path) -> None:
        file, told = tmp_path / "file", list[int]()
        file.write_text('{"a": 1}\n\n{"a": 2}\n{"a": 3}\n')

        done = lab.kafka.produce_lines(topic, file, key="a", from_line=3, sent=told.append)

        assert (done.records, done.empty, told[-1]) == (2, 1, 2)
        assert lab.kafka.lag(lab.kafka.describe(topic), {0: 0, 1: 0}).records == 2
        with pytest.raises(UsageError, match="the file ends at line 4, before line 5"):
            lab.kafka.produce_lines(topic, file, from_line=5)
        file.write_text("not json\n")
        with pytest.raises(UsageError):
            lab.kafka.produce_lines(topic, file)


class TestInMemory(Obedient):
    @pytest.fixture
    def lab(self) -> Lab:
        return InMemory()


class TestReal(Obedient):
    @pytest.fixture
    def lab(self, stack: Stack) -> Lab:
        return Real(stack)


class Disk(Protocol):
    """Brokers whose leaders change, and whose logs are cut."""

    kafka: Kafka

    def send(self, records: int) -> None: ...
    def elect(self) -> None: ...
    def keep(self) -> None:
        """Remember the log as it is now."""

    def cut(self) -> None:
        """Let the log lose what came since it was remembered."""


class DiskInMemory:
    def __init__(self) -> None:
        self.kafka: Kafka = (fake := FakeKafka())
        self._fake, self._end = fake, 0
        fake.create_topic("events", 1)

    def send(self, records: int) -> None:
        self._fake.send("events", records)

    def elect(self) -> None:
        self._fake.elect("events")

    def keep(self) -> None:
        self._end = self._fake.describe("events").log_end[0]

    def cut(self) -> None:
        self._fake.cut("events", self._end)


@dataclass
class RealDisk:
    broker: Broker
    copy: Path

    def __post_init__(self) -> None:
        self.kafka: Kafka = Brokers(self.broker.settings.kafka)
        self.kafka.create_topic("events", 1)

    def send(self, records: int) -> None:
        self.broker.send("events", records)

    def elect(self) -> None:
        self.broker.restart()

    def keep(self) -> None:
        self.broker.stop()
        self.broker.copy("events-0", self.copy)
        self.broker.start()

    def cut(self) -> None:
        self.broker.restore("events-0", self.copy)


class ObedientDisk:
    def test_a_log_that_lost_its_tail_is_distinguished_from_one_with_another_leader(self, disk: Disk) -> None:
        disk.send(300)
        disk.keep()
        disk.elect()
        disk.send(100)
        noted = disk.kafka.topic_state("events", {}).epochs
        assert noted[0][1] == 300, "where the newest leader began"

        disk.elect()
        disk.send(100)
        assert disk.kafka.topic_state("events", noted).kept == {0: 400}, "a new leader alone loses nothing"

        disk.cut()
        disk.send(400)
        found = disk.kafka.topic_state("events", noted)
        assert (found.ends, found.kept) == ({0: 700}, {0: 300})
        assert found.epochs[0][0] > noted[0][0]
        assert found.epochs[0][1] == 300


class TestDiskInMemory(ObedientDisk):
    @pytest.fixture
    def disk(self) -> Disk:
        return DiskInMemory()


@pytest.mark.stack
class TestRealDisk(ObedientDisk):
    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Disk]:
        broker = Broker(tmp_path / "broker")
        broker.start()
        yield RealDisk(broker, tmp_path / "copy")
        broker.stop()
