"""Row counts are those of the table, and a batch without rows is made only where one is needed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from headrace.cli.pages.publish import publish_sentence
from headrace.cli.pages.status import page
from headrace.cluster.kafka import KafkaSource
from headrace.cluster.kafka.fake import FakeKafka
from headrace.contract.column_type import BIGINT, DATE, STRING
from headrace.contract.load import load
from headrace.errors import DecisionNeeded
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import ANCHORS, BATCHES
from headrace.operate.publish import Publication
from headrace.operate.status import Status
from headrace.publish import publisher as publishing
from headrace.publish.publisher import Published, Publisher
from headrace.publish.tables import JobTables
from headrace.read.tables import row_count
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from headrace.table.columns import TableColumn
from headrace.table.outputs import Output
from tests.ledger.sample_records import anchor
from tests.publish.sealed_lake import CONTRACT, Lake, compact, publish_two_batches

ROOT = Path(__file__).parents[2]
DAILY = Output(
    "departures_hourly",
    (
        TableColumn("origin", STRING, nullable=False),
        TableColumn("flights", BIGINT, nullable=False),
        TableColumn("day", DATE, nullable=False, partition=True),
    ),
    mode="amend",
    key=("origin",),
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return connect(Store(warehouse=f"file://{tmp_path}/lake"))


@pytest.fixture
def lake(warehouse: Warehouse) -> Lake:
    """The lake of an ingest job."""
    return Lake(warehouse, load(CONTRACT))


@dataclass
class Amending:
    """A derive job's lake: one table, whose newer rows replace older ones."""

    warehouse: Warehouse
    sealed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.contract = load(ROOT / "contracts/departures_hourly.odcs.yaml")
        self.ledger = Ledger(self.warehouse, self.contract.id)
        self.ledger.record_claim("s1", None, "1.0.0")

    def seal(self, *rows: tuple[str, int]) -> None:
        """Seal a checkpoint with these rows."""
        number = len(self.sealed) + 1
        table = pa.table(
            {
                "origin": pa.array([o for o, _ in rows], pa.string()),
                "flights": pa.array([n for _, n in rows], pa.int64()),
            }
        )
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        raw = sink.getvalue().to_pybytes()
        path = f"_staged/s1/day={date(2013, 1, 1)}/{number}.parquet"
        if rows:
            obstore.put(self.warehouse.objects, f"{DAILY.id}/{path}", raw)
        manifest = {
            "id": f"{number:010d}-{number:016d}",
            "parent": self.sealed[-1] if self.sealed else None,
            "checkpoint": number,
            "output": DAILY.id,
            "claim": 1,
            "submission": "s1",
            "contract_version": "1.0.0",
            "files": [{"path": path, "size": len(raw)}] if rows else [],
        }
        self.sealed.append(str(manifest["id"]))
        key = f"{DAILY.id}/_staged/manifests/{manifest['id']}.json"
        obstore.put(self.warehouse.objects, key, json.dumps(manifest).encode())

    def publish(self) -> Published:
        return Publisher(
            JobTables(self.ledger, self.contract, [DAILY], KafkaSource(FakeKafka(), ()))
        ).publish()


@pytest.fixture
def amending(warehouse: Warehouse) -> Amending:
    return Amending(warehouse)


def test_the_row_count_of_an_amended_table_is_what_it_holds(amending: Amending) -> None:
    amending.seal(("JFK", 1), ("EWR", 1))
    amending.publish()
    amending.seal(("JFK", 2), ("EWR", 2))
    amending.seal(("JFK", 3), ("LGA", 1))
    done = amending.publish()
    assert (done.head.rows, done.head.written) == ({DAILY.id: 3}, {DAILY.id: 6})
    assert done.written == {DAILY.id: 4}
    publication = Publication(DAILY.id, done)
    assert publish_sentence(publication) == "batch 2: 4 rows written to departures_hourly, which holds 3"
    document = publication.to_json()
    assert (document["rows"], document["written"]) == ({DAILY.id: 3}, {DAILY.id: 4})


def test_status_shows_what_the_table_holds_and_what_was_written(amending: Amending) -> None:
    amending.seal(("JFK", 1), ("EWR", 1))
    amending.seal(("JFK", 2))
    head = amending.publish().head
    text = page(Status(DAILY.id, derived=True, head=head))
    assert "2 rows in departures_hourly (3 written)" in text
    text = page(Status(DAILY.id, derived=True, head=replace(head, written=head.rows)))
    assert "2 rows in departures_hourly\n" in text


def test_rows_that_others_deleted_or_rewrote_are_counted_as_they_are(lake: Lake) -> None:
    publish_two_batches(lake)
    DeltaTable(lake.warehouse.table_uri("events")).delete("_offset < 5")
    compact(lake)
    lake.seal(1, range(30, 33))
    done = lake.publish()
    assert (done.head.rows, done.written) == (
        {"events": 23, "events__quarantine": 5},
        {"events": 3, "events__quarantine": 0},
    )
    assert done.head.written == {"events": 28, "events__quarantine": 5}


def test_files_without_statistics_are_counted_by_their_footers(lake: Lake) -> None:
    publish_two_batches(lake)
    table = DeltaTable(lake.warehouse.table_uri("events"))
    log = Path(table.table_uri.removeprefix("file://")) / "_delta_log"
    last = log / f"{table.version():020d}.json"
    actions = [json.loads(line) for line in last.read_text().splitlines()]
    for action in actions:
        action.get("add", {}).pop("stats", None)
    last.write_text("\n".join(map(json.dumps, actions)))
    assert row_count(lake.warehouse, "events", table.version()) == 25


# batches without rows


def test_an_idle_job_makes_no_batch(lake: Lake) -> None:
    publish_two_batches(lake)
    for _ in range(3):
        lake.seal(1, range(0))
    done = lake.publish()
    assert (done.head.batch, done.batches) == (2, 0)
    assert publish_sentence(Publication("events", done)) == "nothing new since batch 2"
    lake.seal(1, range(30, 31))
    assert lake.publish().head.batch == 3


def test_a_batch_without_rows_folds_what_every_look_would_read(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "EMPTY_KEPT", 3)
    publish_two_batches(lake)
    before = lake.ledger.head()
    for number in range(1, 4):
        lake.seal(1, range(0))
        done = lake.publish()
        assert done.batches == (number == 3)
    why = "it folds 3 checkpoints without rows, which each look would read again"
    assert (done.empty, publish_sentence(Publication("events", done))) == (
        why,
        f"batch 3 without rows: {why}",
    )
    assert (
        lake.ledger.required(BATCHES, 3).to_json()["empty"]
        == Publication(DAILY.id, done).to_json()["empty"]
        == why
    )
    assert (done.head.rows, done.head.versions) == (before.rows, before.versions), "no table has changed"
    assert lake.tables().staged["events"].read() == {}


def test_a_replay_may_start_at_a_batch_without_rows_at_an_anchor(lake: Lake) -> None:
    publish_two_batches(lake)
    quiet = lake.seal(1, range(0))
    with pytest.raises(DecisionNeeded, match="not published yet") as needed:
        lake.replay(quiet)
    assert needed.value.remedy == "headrace publish events"
    assert lake.publish().head.batch == 2
    lake.ledger.append(ANCHORS, anchor(checkpoint=4, manifests=quiet, batch=2))
    done = lake.publish()
    assert done.empty == "anchor 1 stands there, and a replay begins at what is published"
    number, fork = lake.replay(quiet)
    lake.seal(fork, range(30, 33))
    lake.replace(number)
    assert lake.ledger.head().frontier == {0: 33}


def test_a_start_after_an_idle_period_is_not_awaited_once_it_has_sealed(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(0))
    later = lake.submit(goes_on=1)
    assert lake.publish().waiting_for == later
    lake.seal(later, range(0))
    assert (lake.publish().waiting_for, lake.publish().batches) == (None, 0)
    lake.seal(later, range(30, 31))
    assert lake.publish().head.frontier == {0: 31}
