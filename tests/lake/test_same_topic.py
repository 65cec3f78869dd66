"""A topic that is deleted and created again, on a real broker: while publish looks, or verify."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from lake.sealed_lake import CONTRACT, Lake
from stack.waiting import until
from stack_fixtures import Stack

from headrace.cluster.kafka import Source, create_topic, describe, standing
from headrace.contract.load import load
from headrace.errors import DecisionNeeded
from headrace.lake._findings import Verification
from headrace.lake._topic_scan import Extent, KafkaTopic, Seen, Tick
from headrace.lake.holes import promised, stood
from headrace.lake.publish import Publisher
from headrace.lake.store import connect
from headrace.lake.verify import verify
from headrace.offsets import OffsetArray
from headrace.settings import Store
from headrace.table.outputs import outputs


class RealTopic:
    """A topic, and the lake of a job that reads it."""

    def __init__(self, bootstrap: str, place: Path) -> None:
        self.bootstrap, self.name = bootstrap, f"same-{uuid4().hex[:8]}"
        self.lake = Lake(connect(Store(warehouse=f"file://{place}/lake")), load(CONTRACT), begun=False)
        self.id = self.make()
        self.lake.ledger.record_start(self.name, self.id, {0: 0}, contract="events")

    def make(self) -> str:
        return create_topic(self.bootstrap, self.name, 1)[0].id

    def send(self, records: int) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=20)
        for _ in range(records):
            producer.send(self.name, b"x", partition=0)
        producer.flush()
        producer.close()

    def delete(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.delete_topics([self.name])
        until("the topic to be gone", lambda: self.current() is None, 60)
        admin.close()

    def recreate(self, records: int) -> None:
        self.delete()
        self.make()
        self.send(records)

    def current(self) -> str | None:
        return standing(self.bootstrap, self.name, {}).id

    def named(self, kind: type[KafkaTopic]) -> KafkaTopic:
        return kind(self.bootstrap, self.name)

    def verify(self, reader: KafkaTopic, batch: int | None = None) -> Verification:
        ledger = self.lake.ledger
        return verify(
            self.lake.warehouse,
            "events",
            reader,
            batch=batch,
            promised=promised(ledger),
            begun=self.id,
            stood=stood(ledger),
        )

    def publisher(self, step: Callable[[str], None] = lambda _name: None) -> Publisher:
        source = Source(self.bootstrap, ("events",))
        return Publisher(self.lake.warehouse, self.lake.contract, outputs(self.lake.contract), source, step)


@pytest.fixture
def topic(stack: Stack, tmp_path: Path) -> RealTopic:
    """200 records, 150 published, and 50 staged."""
    made = RealTopic(stack.settings.kafka.bootstrap, tmp_path)
    made.send(200)
    made.lake.submit()
    made.lake.seal(1, range(150))
    made.publisher().once()
    made.lake.seal(1, range(150, 200))
    return made


@pytest.mark.parametrize("records", [500, 20, None], ids=["longer", "shorter", "gone"])
def test_a_topic_that_changes_between_reading_and_publishing(topic: RealTopic, records: int | None) -> None:
    def change(step: str) -> None:
        if step == "topics":  # the staged manifests are read
            topic.delete() if records is None else topic.recreate(records)

    with pytest.raises(DecisionNeeded, match="0:150-199"):
        topic.publisher(change).once()
    assert topic.lake.ledger.newest("batches") == 1
    says = "is gone" if records is None else "was deleted and created again"
    with pytest.raises(DecisionNeeded, match=says):
        topic.publisher().once()


class Changing(KafkaTopic):
    """A topic to which something happens while it is read."""

    happens: Callable[[], None]

    def scan(self, seen: Seen, tick: Tick = lambda _done, _total: None) -> dict[int, Extent]:
        def handed_over(partition: int, offsets: OffsetArray) -> None:
            seen(partition, offsets)
            self.happens()

        return super().scan(handed_over, tick)


@pytest.mark.parametrize("records", [500, 20, None], ids=["longer", "shorter", "gone"])
@pytest.mark.parametrize("when", ["before", "during"])
def test_another_topic_proves_nothing(topic: RealTopic, records: int | None, when: str) -> None:
    """Where the table has rows, the new one has records: offsets alone would prove it."""

    def change() -> None:
        if topic.current() == topic.id:
            topic.delete() if records is None else topic.recreate(records)

    topic.publisher().once()
    assert topic.verify(topic.named(KafkaTopic)).verdict == "proved"
    reader = topic.named(Changing)
    object.__setattr__(reader, "happens", change)
    if when == "before":
        change()
    for batch in (1, 2):
        found = topic.verify(reader, batch)
        assert (found.verdict, found.findings[0].kind) == ("unproved", "other")
        assert found.sentence().startswith("not provable from Kafka any more: ")


def test_a_topic_that_stays_is_published_with_its_epoch(topic: RealTopic) -> None:
    topic.publisher().once()
    head = topic.lake.ledger.head()
    assert (head.frontier, head.epochs, head.tails) == ({0: 200}, {0: (0, 0)}, ())
    found = standing(topic.bootstrap, topic.name, head.epochs)
    assert (found.id, found.ends, found.kept) == (topic.id, {0: 200}, {0: 200})
    assert describe(topic.bootstrap, topic.name).epochs == {0: 0}
