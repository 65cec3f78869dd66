"""A topic on a real broker, and the lake of a job whose files are written by hand: only Flink is missing."""

from __future__ import annotations

from uuid import uuid4

from deltalake import DeltaTable
from kafka import KafkaAdminClient, KafkaProducer

from headrace.cluster.kafka import Brokers, KafkaSource, create_topic, topic_state
from headrace.contract.load import load
from headrace.operate.parts.evidence import LedgerEvidence
from headrace.publish.publisher import Published, Publisher
from headrace.publish.tables import JobTables
from headrace.settings import KafkaSettings, Store
from headrace.storage.warehouse import Warehouse
from headrace.table.outputs import outputs
from headrace.verify.findings import Verification
from headrace.verify.ingest import verify
from headrace.verify.topic_scan import KafkaTopic
from tests.publish.sealed_lake import CONTRACT, Lake
from tests.stack.waiting import until


class RealTopic:
    """One partition, and the job that reads it. Its first submission has started."""

    def __init__(self, bootstrap: str, warehouse: Warehouse) -> None:
        self.bootstrap, self.name = bootstrap, f"same-{uuid4().hex[:8]}"
        self.lake = Lake(warehouse, load(CONTRACT), started=False)
        self.id = self.make()
        self.lake.ledger.record_start(self.name, self.id, {0: 0}, contract="events")
        self.lake.submit()
        self.sent = 0

    # the topic

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
        until("the topic to be gone", lambda: self.current() is None)
        admin.close()

    def recreate(self, records: int) -> None:
        self.delete()
        self.make()
        self.send(records)

    def current(self) -> str | None:
        return topic_state(self.bootstrap, self.name, {}).id

    # the job

    def stage(self, good: int, bad: int = 0) -> None:
        """Send records and seal a checkpoint over them; the last ``bad`` of them are quarantined."""
        first, self.sent = self.sent, self.sent + good + bad
        self.send(good + bad)
        self.lake.seal(1, range(first, first + good), bad=range(first + good, self.sent))

    def publisher(self) -> Publisher:
        source = KafkaSource(Brokers(KafkaSettings(bootstrap=self.bootstrap)), ("events",))
        return Publisher(JobTables(self.lake.ledger, self.lake.contract, outputs(self.lake.contract), source))

    def publish(self) -> Published:
        return self.publisher().publish()

    def table(self, output: str = "events") -> DeltaTable:
        warehouse = self.lake.warehouse
        return DeltaTable(warehouse.table_uri(output), storage_options=warehouse.delta_options)

    def homes(self) -> list[int]:
        """Every published offset, of both tables, sorted; a duplicate appears twice."""
        tables = [self.table(output).to_pyarrow_table() for output in ("events", "events__quarantine")]
        return sorted(offset for table in tables for offset in table["_offset"].to_pylist())

    def verify(self, reader: KafkaTopic | None = None, batch: int | None = None) -> Verification:
        topic = reader or KafkaTopic(self.bootstrap, self.name)
        evidence = LedgerEvidence(self.lake.ledger, Store(warehouse=self.lake.warehouse.uri))
        return verify(self.lake.warehouse, "events", topic, evidence, batch=batch)
