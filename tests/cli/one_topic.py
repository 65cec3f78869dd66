"""The topic of a test, on a real broker or in memory, and what can happen to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kafka import KafkaAdminClient

from headrace.cluster.kafka import Brokers, Kafka
from headrace.cluster.kafka.fake import FakeKafka
from tests.cluster.brokers import Broker

PARTITIONS = 2


class Topic(Protocol):
    """A topic of two partitions; all its records are in the first."""

    @property
    def kafka(self) -> Kafka: ...

    @property
    def name(self) -> str: ...

    def send(self, records: int) -> None: ...

    def delete(self) -> None: ...

    def recreate(self) -> None: ...


@dataclass(frozen=True)
class InMemory:
    """As brokers in memory keep it."""

    kafka: FakeKafka
    name: str

    def send(self, records: int) -> None:
        self.kafka.send(self.name, records)

    def delete(self) -> None:
        self.kafka.delete(self.name)

    def recreate(self) -> None:
        self.kafka.recreate(self.name)


@dataclass(frozen=True)
class OnBroker:
    """On a broker without a stack."""

    broker: Broker
    kafka: Brokers
    name: str

    def send(self, records: int) -> None:
        self.broker.send(self.name, records)

    def delete(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.broker.bootstrap)
        admin.delete_topics([self.name])
        admin.close()

    def recreate(self) -> None:
        self.delete()
        self.kafka.create_topic(self.name, PARTITIONS)
