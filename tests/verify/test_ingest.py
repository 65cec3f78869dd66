"""G1 judged from outside: what verify says of tables with one thing wrong, and of real Kafka logs."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import typer
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction, write_deltalake
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from typer.testing import CliRunner

from headrace import settings
from headrace.cli import verify as command
from headrace.errors import ClusterError, ConservationError, UsageError
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import DONE
from headrace.operate import verify as operate_verify
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from headrace.verify.evidence import Evidence, NoEvidence, RecordedHoles, TopicAtBatch
from headrace.verify.ingest import LOST, verify
from headrace.verify.marks import CHUNK, DATA, DATA_AGAIN, IN_TOPIC, TOPIC, TWICE_IN_DATA, Marks, Range
from headrace.verify.topic_scan import EpochRun, Extent, KafkaTopic, OnOffsets, ScanProgress, Topic
from tests.ledger.sample_records import done

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.verify.findings import Verification

Homes = dict[int, "Sequence[int]"]


@dataclass
class StatedTopic:
    """A topic that is said, not read: offsets of its records, and where its log starts."""

    records: Homes
    starts: dict[int, int] = field(default_factory=dict)
    name: str = "flights"
    ids: list[str | None] = field(default_factory=list)
    """What its id is, each time it is asked for."""
    runs: tuple[EpochRun, ...] = ()
    breaks: bool = False

    def id(self) -> str | None:
        return self.ids.pop(0)

    def scan(self, on_offsets: OnOffsets, tick: ScanProgress) -> dict[int, Extent]:
        if self.breaks:
            raise ClusterError("there is no such topic")
        tick(0, 1)
        for partition, offsets in self.records.items():
            held = [o for o in offsets if o >= self.starts.get(partition, 0)]
            for some in np.array_split(np.array(held, np.int64), 3):
                on_offsets(partition, some)
        return {
            p: Extent(self.starts.get(p, 0), max(offsets) + 1, self.runs)
            for p, offsets in self.records.items()
        }


@dataclass
class Recorded:
    """What a ledger would hold, the same for each batch."""

    id: str | None = None
    topic: TopicAtBatch = field(default_factory=TopicAtBatch)
    noted: RecordedHoles = field(default_factory=RecordedHoles)

    def topic_id(self) -> str | None:
        return self.id

    def topic_at(self, _batch: int, /) -> TopicAtBatch:
        return self.topic

    def holes(self, _batch: int, /) -> RecordedHoles:
        return self.noted

    def file_rows(self, _batch: int, /) -> dict[int, int]:
        return {}


@dataclass
class Lake:
    """A warehouse with one table and its quarantine, filled batch by batch."""

    warehouse: Warehouse
    table: str = "flights"

    def publish(self, batch: int, data: Homes, quarantine: Homes | None = None) -> None:
        self.write(self.table, batch, data)
        self.write(f"{self.table}__quarantine", batch, quarantine or {})
        Ledger(self.warehouse, self.table).put(DONE, batch, done(batch))

    def write(self, name: str, batch: int, homes: Homes, *, app: str = "") -> None:
        pairs = [(p, o) for p, offsets in homes.items() for o in offsets]
        rows = pa.table(
            {
                "_partition": pa.array([p for p, _ in pairs], pa.int32()),
                "_offset": pa.array([o for _, o in pairs], pa.int64()),
            }
        )
        transaction = Transaction(app or f"{self.table}/{name}", batch)
        write_deltalake(
            self.warehouse.table_uri(name),
            rows,
            mode="append",
            storage_options=self.warehouse.delta_options,
            commit_properties=CommitProperties(app_transactions=[transaction]),
        )

    def verify(
        self, topic: Topic, evidence: Evidence | None = None, *, batch: int | None = None
    ) -> Verification:
        return verify(self.warehouse, self.table, topic, evidence or NoEvidence(), batch=batch)

    def open(self, name: str = "") -> DeltaTable:
        return DeltaTable(
            self.warehouse.table_uri(name or self.table), storage_options=self.warehouse.delta_options
        )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")))


def findings(verification: Verification) -> list[tuple[str, int, str, list[str]]]:
    return [(f.kind, f.partition, f.where, [str(s) for s in f.spans]) for f in verification.findings]


BOTH = "flights and flights__quarantine"
TEN = StatedTopic({0: range(10)})


def test_one_home_for_each_offset_is_proved(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1, 2], 1: [0, 2]}, {1: [1]})
    lake.publish(2, {0: [3]}, {1: [3]})
    verification = lake.verify(StatedTopic({0: range(6), 1: range(4), 2: range(2)}))
    assert (verification.verdict, verification.batch, verification.findings) == ("proved", 2, ())
    assert verification.versions == {"flights": 1, "flights__quarantine": 1}
    assert "every offset has exactly one home" in verification.sentence()
    numbers = [
        (p.partition, p.frontier, p.records, p.data, p.quarantine, p.unpublished)
        for p in verification.partitions
    ]
    assert numbers == [(0, 4, 4, 4, 0, 2), (1, 4, 4, 2, 2, 0), (2, 0, 0, 0, 0, 2)]


def test_a_missing_offset_in_the_middle_is_named(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1, 2, 5, 7]}, {0: [4]})
    verification = lake.verify(TEN)
    assert findings(verification) == [("missing", 0, BOTH, ["3", "6"])]
    assert verification.verdict == "broken"
    assert "partition 0: 2 offsets missing: in the topic, in no table: 3, 6" in str(verification.findings[0])


def test_a_missing_offset_at_the_start_is_named(lake: Lake) -> None:
    lake.publish(1, {0: [3, 4]})
    assert findings(lake.verify(TEN)) == [("missing", 0, BOTH, ["0-2"])]


def test_doubled_within_data_is_named_with_its_files(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1, 2, 3]})
    lake.publish(2, {0: [2, 3, 4]})
    verification = lake.verify(TEN)
    assert findings(verification) == [("doubled", 0, "twice in flights", ["2-3"])]
    assert sorted(f"{p.table}/{p.file}" for p in verification.places) == sorted(
        f"flights/{Path(uri).name}" for uri in lake.open().file_uris()
    )
    assert {p.spans for p in verification.places} == {(Range(2, 3),)}


def test_doubled_within_one_file_and_within_quarantine(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1, 1]}, {0: [2, 2, 2, 3]})
    verification = lake.verify(TEN)
    assert findings(verification) == [
        ("doubled", 0, "twice in flights", ["1"]),
        ("doubled", 0, "twice in flights__quarantine", ["2"]),
    ]
    assert [p.table for p in verification.places] == ["flights", "flights__quarantine"]


def test_doubled_across_data_and_quarantine(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1, 2], 1: [0]}, {0: [1, 3]})
    verification = lake.verify(StatedTopic({0: range(4), 1: range(1)}))
    assert findings(verification) == [("doubled", 0, f"in both {BOTH}", ["1"])]
    assert [(p.table, p.spans) for p in verification.places] == [
        ("flights", (Range(1, 1),)),
        ("flights__quarantine", (Range(1, 1),)),
    ]


def test_a_phantom_is_a_row_where_the_topic_has_no_record(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1, 2, 3], 7: [5], 1: [-4, 0]})
    verification = lake.verify(StatedTopic({0: [0, 1, 3], 1: [0]}))
    assert findings(verification) == [
        ("phantom", 0, "flights or flights__quarantine", ["2"]),
        ("phantom", 1, "flights or flights__quarantine", ["-4"]),
        ("phantom", 7, "flights or flights__quarantine", ["5"]),
    ]


def test_offsets_without_a_record_need_no_home(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1, 5]})
    assert lake.verify(StatedTopic({0: [0, 1, 5, 9]})).verdict == "proved"


def test_below_the_log_start_only_duplicates_and_holes_are_detected(lake: Lake) -> None:
    topic = StatedTopic({0: range(20)}, starts={0: 10})
    lake.publish(1, {0: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]})
    verification = lake.verify(topic)
    assert (verification.verdict, verification.partitions[0].beyond_reach) == ("proved", 8)
    assert "8 older than the topic's log" in verification.sentence()
    lake.publish(2, {0: [3, 12]})
    assert findings(lake.verify(topic)) == [("doubled", 0, "twice in flights", ["3"])]


def test_a_hole_below_the_log_start_cannot_be_proved(lake: Lake) -> None:
    lake.publish(1, {0: [2, 3, 6, 12, 13]})
    verification = lake.verify(StatedTopic({0: range(20)}, starts={0: 12}))
    assert findings(verification) == [("unproved", 0, BOTH, ["4-5", "7-11"])]
    assert verification.verdict == "unproved"
    assert "cannot be proved" in str(verification.findings[0])


def test_a_hole_below_the_log_start_is_accepted_if_the_ledger_recorded_it_in_time(lake: Lake) -> None:
    lake.publish(1, {0: [2, 3, 6, 12, 13]})
    topic = StatedTopic({0: range(20)}, starts={0: 12})
    recorded = RecordedHoles(absent={0: [Range(4, 5)]}, lost={0: [Range(7, 9)]})
    unrecorded = lake.verify(topic, Recorded(noted=recorded))
    assert findings(unrecorded) == [("unproved", 0, BOTH, ["10-11"])]
    recorded = RecordedHoles(absent={0: [Range(4, 5), Range(10, 11)]}, lost={0: [Range(7, 9)]})
    verification = lake.verify(topic, Recorded(noted=recorded))
    assert (verification.verdict, verification.aged_holes) == ("proved", {"absent": 4, "lost": 3})
    assert "4 older offsets without a record, as the ledger records" in verification.sentence()
    assert (
        "home, except 3 that were lost before they were read, accepted in the ledger ("
        in verification.sentence()
    )
    recorded = RecordedHoles(absent={0: [Range(4, 5), Range(8, 11)]}, lost={0: [Range(7, 7)]})
    verification = lake.verify(topic, Recorded(noted=recorded))
    assert (
        "home, except 1 that was lost before it was read, accepted in the ledger (" in verification.sentence()
    )


def test_a_missing_tail_and_a_missing_partition_are_named(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1, 2]})
    topic = StatedTopic({0: range(9), 1: range(4)})
    verification = lake.verify(topic, Recorded(topic=TopicAtBatch({0: 6, 1: 2})))
    assert findings(verification) == [("missing", 0, BOTH, ["3-5"]), ("missing", 1, BOTH, ["0-1"])]
    assert [(p.partition, p.frontier, p.unpublished) for p in verification.partitions] == [
        (0, 6, 3),
        (1, 2, 2),
    ]


def test_the_ledger_does_not_excuse_what_kafka_still_holds(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1, 3]})
    verification = lake.verify(TEN, Recorded(noted=RecordedHoles(absent={0: [Range(2, 2)]})))
    assert findings(verification) == [("missing", 0, BOTH, ["2"])]


def test_a_row_without_a_position_is_found(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1]})
    nowhere = pa.table(
        {"_partition": pa.array([None, 0], pa.int32()), "_offset": pa.array([2, None], pa.int64())}
    )
    write_deltalake(lake.warehouse.table_uri("flights"), nowhere, mode="append")
    verification = lake.verify(TEN)
    assert str(verification.findings[0]) == "2 rows without a position in flights"


def test_a_compacted_table_is_still_verified(lake: Lake) -> None:
    for batch in range(1, 5):
        lake.publish(batch, {0: [2 * batch - 2]}, {0: [2 * batch - 1]})
        lake.open().optimize.compact()
    before = len(lake.open().file_uris())
    verification = lake.verify(TEN)
    assert (verification.verdict, verification.batch, before) == ("proved", 4, 1)
    assert verification.versions["flights"] > verification.versions["flights__quarantine"]
    older = lake.verify(TEN, batch=2)
    assert (older.verdict, older.partitions[0].frontier) == ("proved", 4)


def test_an_older_batch_is_judged_at_its_own_versions(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1]}, {0: [2]})
    lake.publish(2, {0: [3, 3]})
    lake.publish(3, {0: [4]})
    assert lake.verify(TEN).verdict == "broken"
    verification = lake.verify(TEN, batch=1)
    assert (verification.verdict, verification.partitions[0].frontier) == ("proved", 3)
    assert verification.versions == {"flights": 0, "flights__quarantine": 0}


def test_a_batch_that_is_half_published_is_not_judged(lake: Lake) -> None:
    lake.publish(1, {0: [0]}, {0: [1]})
    lake.write("flights__quarantine", 2, {0: [3]})
    verification = lake.verify(TEN)
    assert (verification.verdict, verification.batch, verification.partitions[0].frontier) == ("proved", 1, 2)


def test_only_a_batch_that_both_tables_hold_is_judged(lake: Lake) -> None:
    lake.publish(1, {0: [0]})
    lake.write("flights", 3, {0: [1, 1]})
    lake.write("flights__quarantine", 2, {0: [5]})
    assert lake.verify(TEN).batch == 1
    lake.write("flights__quarantine", 3, {})
    with pytest.raises(UsageError, match="batch 2 is not in both tables") as caught:
        lake.verify(TEN, batch=2)
    assert "flights holds batches up to 3; flights__quarantine holds batches up to 3" in caught.value.where


def test_a_batch_without_rows_is_judged_as_the_one_before_it_left_the_tables(lake: Lake) -> None:
    lake.publish(1, {0: [0]}, {0: [1]})
    verification = lake.verify(TEN, batch=2)
    assert (verification.verdict, verification.batch, verification.versions["flights"]) == ("proved", 2, 0)


def test_batches_are_found_after_a_checkpoint_and_a_cleaned_log(lake: Lake) -> None:
    for batch in range(1, 7):
        lake.publish(batch, {0: [batch - 1]})
    table = lake.open()
    table.create_checkpoint()
    lake.publish(7, {0: [6]})
    log = Path(table.table_uri.removeprefix("file://")) / "_delta_log"
    for version in range(6):
        (log / f"{version:020}.json").unlink(missing_ok=True)
    assert lake.verify(TEN).batch == 7
    assert lake.verify(TEN, batch=6).partitions[0].frontier == 6
    with pytest.raises(UsageError, match="batch 2 is not in both tables"):
        lake.verify(TEN, batch=2)


def test_file_statistics_are_not_trusted(lake: Lake) -> None:
    lake.publish(1, {0: [0, 1, 2]})
    log = Path(lake.open().table_uri.removeprefix("file://")) / "_delta_log" / f"{0:020}.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "add" in line:
            wrong = {"_partition": 0, "_offset": 7}
            line["add"]["stats"] = json.dumps(
                {
                    "numRecords": 1,
                    "minValues": wrong,
                    "maxValues": wrong,
                    "nullCount": {"_partition": 0, "_offset": 0},
                }
            )
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    verification = lake.verify(TEN)
    assert (verification.verdict, verification.partitions[0].frontier, verification.partitions[0].data) == (
        "proved",
        3,
        3,
    )


def test_a_table_that_was_never_published_is_reported(lake: Lake) -> None:
    with pytest.raises(UsageError, match="nothing was published yet") as caught:
        lake.verify(TEN)
    assert "headrace publish flights" in caught.value.remedy
    lake.write("flights", 1, {0: [0]}, app="another/flights")
    with pytest.raises(UsageError, match="flights holds no batch"):
        lake.verify(TEN)


def test_a_table_without_positions_cannot_be_verified(lake: Lake) -> None:
    for name in ("flights", "flights__quarantine"):
        write_deltalake(
            lake.warehouse.table_uri(name),
            pa.table({"carrier": ["AA"]}),
            commit_properties=CommitProperties(app_transactions=[Transaction(f"flights/{name}", 1)]),
            post_commithook_properties=PostCommitHookProperties(create_checkpoint=False),
        )
    with pytest.raises(UsageError, match="no _offset and no _partition"):
        lake.verify(TEN)


@pytest.mark.parametrize(
    ("ids", "breaks"),
    [(["b"], False), (["a", "b"], False), (["a", None], True)],
    ids=["before", "during", "gone"],
)
def test_another_topic_proves_nothing_but_duplicates_are_named(
    lake: Lake, ids: list[str | None], breaks: bool
) -> None:
    lake.publish(1, {0: range(5)})
    verification = lake.verify(StatedTopic({0: range(5)}, ids=[*ids], breaks=breaks), Recorded("a"))
    assert (verification.verdict, [f.kind for f in verification.findings]) == ("unproved", ["other"])
    assert verification.sentence().startswith("not provable from Kafka any more: topic flights")
    lake.publish(2, {0: [4]})
    verification = lake.verify(StatedTopic({0: range(9)}, ids=[*ids], breaks=breaks), Recorded("a"))
    assert (verification.verdict, [f.kind for f in verification.findings]) == ("broken", ["other", "doubled"])


def test_a_topic_that_breaks_and_is_the_same_is_an_error(lake: Lake) -> None:
    lake.publish(1, {0: range(5)})
    with pytest.raises(ClusterError, match="no such topic"):
        lake.verify(StatedTopic({0: range(5)}, ids=["a", "a"], breaks=True), Recorded("a"))


def test_records_of_a_later_epoch_below_the_frontier_took_the_place_of_others(lake: Lake) -> None:
    """Each offset has a home and a record; from 6 on it is another record."""
    lake.publish(1, {0: range(8)})
    topic = StatedTopic({0: range(12)}, runs=(EpochRun(2, 0, 3), EpochRun(3, 4, 5), EpochRun(5, 6, 11)))
    then = lake.verify(topic, Recorded(topic=TopicAtBatch({0: 8}, {0: (3, 4)})))
    assert (then.verdict, findings(then)) == ("unproved", [("lost", 0, LOST, ["6-7"])])
    later = lake.verify(topic, Recorded(topic=TopicAtBatch({0: 8}, {0: (5, 6)})))
    assert later.verdict == "proved"
    known = lake.verify(topic, Recorded(topic=TopicAtBatch({0: 8}, {0: (5, 6)}, {0: [Range(6, 7)]})))
    assert findings(known) == [("lost", 0, LOST, ["6-7"])], "a ruling to go on is no proof"


def test_a_topic_that_ends_before_the_frontier_lost_its_tail(lake: Lake) -> None:
    lake.publish(1, {0: range(8)})
    verification = lake.verify(StatedTopic({0: range(6)}), Recorded(topic=TopicAtBatch({0: 8})))
    assert (verification.verdict, findings(verification)) == ("unproved", [("lost", 0, LOST, ["6-7"])])
    beyond = lake.verify(StatedTopic({0: range(6)}), Recorded(topic=TopicAtBatch({0: 6})))
    assert beyond.verdict == "broken", "nobody promised these rows: they are phantoms"


def test_marks_across_chunks_and_in_any_order() -> None:
    marks = Marks()
    edge = np.array([CHUNK, CHUNK - 2, CHUNK + 1, CHUNK - 1, 5 * CHUNK], np.int64)
    marks.mark(edge, DATA, DATA_AGAIN)
    marks.mark(edge[:1], DATA, DATA_AGAIN)
    marks.mark(np.arange(3, dtype=np.int64), TOPIC)
    assert marks.spans(TWICE_IN_DATA) == [Range(CHUNK, CHUNK)]
    assert marks.spans(~IN_TOPIC, CHUNK - 2, CHUNK + 1) == [Range(CHUNK - 2, CHUNK + 1)]
    assert (marks.lowest(TWICE_IN_DATA), marks.highest(IN_TOPIC)) == (CHUNK, 2)
    assert marks.count(IN_TOPIC, 1, 1) == 1


@dataclass
class Served:
    """A real topic beside a real warehouse, and the command line that looks at them."""

    env: settings.Settings
    topic: str
    lake: Lake

    def producer(self, transaction: str | None = None) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=self.env.kafka.bootstrap, transactional_id=transaction, acks="all"
        )

    def send(self, producer: KafkaProducer, count: int, partition: int = 0) -> list[int]:
        sent = [producer.send(self.topic, b"{}", partition=partition) for _ in range(count)]
        producer.flush()
        return [s.get(timeout=30).offset for s in sent]

    def verify(self) -> Verification:
        return self.lake.verify(KafkaTopic(self.env.kafka.bootstrap, self.topic))

    def run(self, monkeypatch: pytest.MonkeyPatch, *args: str) -> Any:
        contract = type("Contract", (), {"id": self.lake.table, "topic": self.topic, "derived": False})
        monkeypatch.setattr(operate_verify, "_of_topic", lambda _table: contract)
        app = typer.Typer()
        command.register(app)
        return CliRunner().invoke(app, [self.lake.table, *args])


@pytest.fixture
def served(stack: object) -> Iterator[Served]:  # noqa: ARG001 - it only has to run
    env = settings.load()
    name = f"verify_{uuid.uuid4().hex[:10]}"
    admin = KafkaAdminClient(bootstrap_servers=env.kafka.bootstrap)
    try:
        admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
        yield Served(env, name, Lake(connect(env.store), name))
        admin.delete_topics([name])
    finally:
        admin.close()


@pytest.mark.stack
def test_markers_and_aborted_records_are_not_missing(served: Served) -> None:
    producer = served.producer(f"tx-{served.topic}")
    producer.init_transactions()
    producer.begin_transaction()
    first = served.send(producer, 3)
    producer.commit_transaction()
    producer.begin_transaction()
    aborted = served.send(producer, 4)
    producer.abort_transaction()
    producer.begin_transaction()
    second = served.send(producer, 2)
    producer.commit_transaction()
    producer.begin_transaction()
    served.send(producer, 1)
    producer.abort_transaction()
    producer.close()
    served.lake.publish(1, {0: first}, {0: second})
    verification = served.verify()
    assert (verification.verdict, verification.total("records"), verification.partitions[0].unpublished) == (
        "proved",
        5,
        0,
    )
    assert second[-1] + 1 > len(first) + len(aborted) + len(second)
    served.lake.publish(2, {0: aborted[:1]})
    assert [(f.kind, f.spans) for f in served.verify().findings] == [
        ("phantom", (Range(aborted[0], aborted[0]),))
    ]


@pytest.mark.stack
def test_the_command_names_a_missing_offset_in_red(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    producer = served.producer()
    offsets = {p: served.send(producer, 50, p) for p in (0, 1)}
    producer.close()
    served.lake.publish(1, {0: offsets[0][:40], 1: offsets[1]})
    good = served.run(monkeypatch)
    assert (good.exit_code, "every offset has exactly one home" in good.stdout) == (0, True)
    served.lake.publish(2, {0: offsets[0][42:]})
    bad = served.run(monkeypatch, "-o", "json")
    assert isinstance(bad.exception, ConservationError)
    assert bad.exception.facts["findings"] == [
        "partition 0: 2 offsets missing: in the topic, in no table: 40-41"
    ]
    answer = json.loads(bad.stdout)
    assert (answer["verdict"], answer["findings"][0]["offsets"]) == ("broken", [[40, 41]])
    older = served.run(monkeypatch, "--batch", "1", "-o", "json")
    assert (older.exit_code, json.loads(older.stdout)["verdict"]) == (0, "proved")


@pytest.mark.stack
def test_records_that_kafka_removed_are_counted_as_beyond_reach(served: Served) -> None:
    producer = served.producer()
    offsets = served.send(producer, 30)
    producer.close()
    served.lake.publish(1, {0: offsets[:20]}, {0: offsets[21:25]})
    admin = KafkaAdminClient(bootstrap_servers=served.env.kafka.bootstrap)
    admin.delete_records({TopicPartition(served.topic, 0): 22})
    admin.close()
    verification = served.verify()
    assert [(f.kind, f.spans) for f in verification.findings] == [("unproved", (Range(20, 20),))]
    assert (verification.partitions[0].log_start, verification.partitions[0].unpublished) == (22, 5)


@pytest.mark.stack
def test_a_missing_topic_is_an_error(served: Served) -> None:
    served.lake.publish(1, {0: [0]})
    with pytest.raises(ClusterError, match="no such topic"):
        served.lake.verify(KafkaTopic(served.env.kafka.bootstrap, "nothing_here"))


def test_a_missing_broker_is_an_error() -> None:
    with pytest.raises(ClusterError, match="Kafka does not answer"):
        KafkaTopic("127.0.0.1:1", "flights", patience_ms=200).scan(lambda _p, _o: None)
