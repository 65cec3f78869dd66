"""Topics with holes of every kind that Kafka makes, on the run's broker; and a broker that is restarted."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from headrace.cluster.kafka import describe
from headrace.stack import files, jars, kafka, local
from headrace.stack.processes import Processes
from tests.stack_fixtures import own_place


@dataclass(frozen=True)
class Span:
    partition: int
    first: int
    last: int


def spans_of(offsets: list[int], partition: int = 0) -> list[Span]:
    """Offsets in a row as one span."""
    found: list[list[int]] = []
    for offset in offsets:
        if found and found[-1][1] == offset - 1:
            found[-1][1] = offset
        else:
            found.append([offset, offset])
    return [Span(partition, first, last) for first, last in found]


def transactional(bootstrap: str) -> Any:
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=uuid4().hex, linger_ms=5)
    producer.init_transactions()
    return producer


def entangle(bootstrap: str, topic: str, transactions: int) -> list[int]:
    """Transactions, every third aborted and the last one too, with plain records in between.

    Returns the offsets of partition 0 that a reader of committed records sees.
    """
    chance = random.Random(7)  # noqa: S311 - the same topic in every run
    bound, plain = transactional(bootstrap), KafkaProducer(bootstrap_servers=bootstrap, linger_ms=2)
    seen: list[Any] = []
    for number in range(transactions):
        bound.begin_transaction()
        sent = []
        for _ in range(chance.choice([1, 3, 40])):
            sent.append(bound.send(topic, b"bound", partition=0))
            if chance.random() < 0.3:
                seen.append(plain.send(topic, b"plain", partition=0))
        bound.flush()
        plain.flush()
        if number % 3 == 0 or number == transactions - 1:
            bound.abort_transaction()
        else:
            bound.commit_transaction()
            seen += sent
    bound.close()
    plain.close()
    return sorted(future.get().offset for future in seen)


def read(bootstrap: str, topic: str) -> dict[int, list[tuple[bytes | None, bytes | None]]]:
    """Partition → keys and values in the order of their offsets, committed ones only."""
    ends = describe(bootstrap, topic).log_end
    parts = [TopicPartition(topic, p) for p in ends]
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    consumer.assign(parts)
    found: dict[int, list[tuple[bytes | None, bytes | None]]] = {p: [] for p in ends}
    while any(consumer.position(part) < ends[part.partition] for part in parts):
        for part, records in consumer.poll(timeout_ms=500).items():
            found[part.partition] += [(r.key, r.value) for r in records]
    consumer.close()
    return found


class Broker:
    """Kafka alone, whose disk a test may change while it does not run."""

    def __init__(self, place: Path) -> None:
        before = dict(os.environ)
        self.settings = own_place(place)
        os.environ.clear()
        os.environ.update(before)
        self.at = files.folder(self.settings.stack)
        self.jars = jars.fetch(self.settings.stack, ("kafka",))["kafka"]
        self.bootstrap = self.settings.kafka.bootstrap
        self.disk = self.at.kafka / "data"

    def start(self) -> None:
        local.start(self.settings, [kafka.service(self.settings, self.at, self.jars)])

    def stop(self) -> None:
        Processes(self.at.path).stop(["kafka"])

    def restart(self) -> None:
        self.stop()
        self.start()

    def copy(self, what: str, to: Path) -> None:
        # What the broker is about to rename may be gone before it is copied.
        shutil.copytree(self.disk / what, to, ignore=shutil.ignore_patterns("*.tmp"))

    def restore(self, what: str, copy: Path) -> None:
        """Start with a part of the disk as it was when it was copied."""
        self.stop()
        shutil.rmtree(self.disk / what)
        shutil.copytree(copy, self.disk / what)
        self.start()

    def send(self, topic: str, records: int) -> int:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=20)
        for _ in range(records):
            producer.send(topic, b"x" * 100, partition=0)
        producer.flush()
        producer.close()
        return describe(self.bootstrap, topic).log_end[0]
