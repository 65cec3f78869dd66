"""How far a job had come at a batch: what `_metadata` records, and which one is read."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import obstore
import pytest

from headrace.errors import UsageError
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import DONE
from headrace.operate.parts.cut import find
from headrace.savepoint.metadata import MAGIC, positions
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from tests.ledger.sample_records import done

TOPIC = "dev.flights"
# As Flink 2.3 wrote it: version, length, topic, partition, next offset, stopping offset.
FLINKS = (
    "00000000 00000029 0013 746573742d70726f62652d302e6576656e7473 00000001 0000000000000096 8000000000000000"
)
HASH = "ab" * 8


def split(partition: int, offset: int, topic: str = TOPIC) -> bytes:
    name = topic.encode()
    return (
        struct.pack(">iiH", 0, len(name) + 22, len(name))
        + name
        + struct.pack(">iqq", partition, offset, -(1 << 63))
    )


def test_what_flink_wrote_is_read() -> None:
    assert positions(b"\x31" + bytes.fromhex(FLINKS) + b"\x00", "test-probe-0.events") == {1: 150}


def test_reader_positions_override_the_enumerators_and_other_topics_are_ignored() -> None:
    raw = split(0, 0) + split(1, -2) + b"\x00\x31" + split(0, 151) + split(0, 999, "dev.flights2")
    raw += split(0, 998, "x.dev.flights") + split(1, -2) + split(10, (1 << 40) + 10)
    assert positions(raw, TOPIC) == {0: 151, 1: -2, 10: (1 << 40) + 10}


@dataclass
class Job:
    """A derive job that began on two partitions, and an ingest job that has published up to offset 100."""

    warehouse: Warehouse

    def __post_init__(self) -> None:
        self.ledger, ingest = Ledger(self.warehouse, "hourly"), Ledger(self.warehouse, "flights")
        self.ledger.record_start(TOPIC, "id-1", {0: 5, 1: 0}, contract="flights")
        ingest.record_start(TOPIC, "id-1", {0: 0, 1: 0}, contract="flights")
        ingest.put(DONE, 1, done(frontier={0: 100, 1: 100}))

    def batch(self, number: int, checkpoint: int) -> None:
        heads = {output: manifest(checkpoint) for output in ("hourly__late", "hourly")}
        self.ledger.put(DONE, number, done(number, heads=heads))

    def checkpoint(
        self, number: int, offsets: Sequence[int], *, watermark: int | None = 7, where: str = ""
    ) -> str:
        raw = struct.pack(">iiq", MAGIC, 6, number)
        for output in ("hourly__late", "hourly"):
            raw += f"\x00Mheadrace-sealed|hourly|{output}|s1|{manifest(number)}".encode()
            if watermark is not None:
                raw += f"\x00Fheadrace-watermark|hourly|{output}|{watermark}|7".encode()
        raw += b"".join(split(p, o) for p, o in enumerate(offsets))
        folder = where or f"_flink/hourly/s1/checkpoints/j/chk-{number}"
        obstore.put(self.warehouse.objects, f"{folder}/_metadata", raw)
        return f"{self.warehouse.uri}/{folder}"

    def staged(self, number: int, parent: int, files: int) -> None:
        for output in ("hourly__late", "hourly"):
            snapshot = {
                "id": manifest(number),
                "parent": manifest(parent),
                "checkpoint": number,
                "output": output,
                "claim": 1,
                "submission": "s1",
                "contract_version": "1.0.0",
                "files": [{"path": f"_staged/s1/{n}.parquet", "size": 1} for n in range(files)],
            }
            key = f"{output}/_staged/manifests/{manifest(number)}.json"
            obstore.put(self.warehouse.objects, key, json.dumps(snapshot).encode())

    def find(self, batch: int | None = None) -> tuple[int, str, dict[int, int]]:
        cut = find(self.ledger, ["hourly__late", "hourly"], Ledger(self.warehouse, "flights"), batch)
        return cut.batch, cut.path, dict(cut.positions)


def manifest(number: int) -> str:
    return f"{number:010d}-{HASH}"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(connect(Store(warehouse=f"file://{tmp_path}/lake")))


def test_the_newest_batch_at_its_own_checkpoint(job: Job) -> None:
    job.batch(1, 4)
    job.batch(2, 6)
    job.checkpoint(4, [20, 20])
    own = job.checkpoint(6, [50, 40])
    job.checkpoint(7, [60, 60])
    assert job.find() == (2, own, {0: 50, 1: 40})


def test_an_older_batch_where_that_is_asked_for_or_all_that_is_kept(job: Job) -> None:
    job.batch(1, 4)
    job.batch(2, 6)
    saved = job.checkpoint(4, [20, 20], where="_flink/savepoints/savepoint-1")
    assert job.find() == (1, saved, {0: 20, 1: 20})
    job.checkpoint(6, [50, 40])
    assert job.find(batch=1) == (1, saved, {0: 20, 1: 20})


def test_an_idle_job_has_moved_on_without_files(job: Job) -> None:
    job.batch(1, 4)
    for number in (5, 6):
        job.staged(number, number - 1, files=0)
    newest = job.checkpoint(6, [50, 40])
    assert job.find() == (1, newest, {0: 50, 1: 40})
    job.staged(7, 6, files=1)
    job.checkpoint(7, [60, 60])
    assert job.find() == (1, newest, {0: 50, 1: 40})


def test_no_checkpoint_of_a_batch_is_an_error_with_a_way_out(job: Job) -> None:
    job.batch(1, 4)
    job.checkpoint(7, [60, 60])
    with pytest.raises(UsageError, match="no checkpoint of a published batch is kept") as caught:
        job.find()
    assert "headrace stop hourly; headrace publish hourly" in caught.value.remedy
    with pytest.raises(UsageError, match="no checkpoint of batch 1 is kept"):
        job.find(batch=1)


def test_an_unresolved_partition_was_not_read(job: Job) -> None:
    job.batch(1, 4)
    job.checkpoint(4, [-2, 3])
    assert job.find()[2] == {0: 5, 1: 3}


def test_a_partition_without_a_position_is_an_error(job: Job) -> None:
    job.batch(1, 4)
    job.checkpoint(4, [20])
    with pytest.raises(UsageError, match=r"does not show how far partition 1 of dev\.flights was read"):
        job.find()


def test_a_checkpoint_of_an_older_headrace_has_no_watermark(job: Job) -> None:
    job.batch(1, 4)
    job.checkpoint(4, [20, 20], watermark=None)
    with pytest.raises(UsageError, match="does not show how far event time had come"):
        job.find()


def test_the_watermark_before_the_first_one_is_reported(job: Job) -> None:
    job.batch(1, 4)
    job.checkpoint(4, [20, 20], watermark=-(1 << 63))
    cut = find(job.ledger, ["hourly__late", "hourly"], Ledger(job.warehouse, "flights"))
    assert cut.watermarks == {"hourly__late": -(1 << 63), "hourly": -(1 << 63)}


def test_what_was_read_must_be_published(job: Job) -> None:
    job.batch(1, 4)
    job.checkpoint(4, [20, 101])
    with pytest.raises(UsageError, match="read further than table flights is published") as caught:
        job.find()
    assert caught.value.where == "partition 1: 101 read, 100 published"
    assert caught.value.remedy.startswith("headrace publish flights")


def test_a_table_that_begins_later_or_on_another_topic_is_no_evidence(tmp_path: Path) -> None:
    warehouse = connect(Store(warehouse=f"file://{tmp_path}/lake"))
    Ledger(warehouse, "flights").record_start(TOPIC, "id-1", {0: 9, 1: 0}, contract="flights")
    job = Job(warehouse)
    job.batch(1, 4)
    job.checkpoint(4, [20, 20])
    with pytest.raises(UsageError, match="table flights begins after the first rows"):
        job.find()
    other = connect(Store(warehouse=f"file://{tmp_path}/other"))
    Ledger(other, "flights").record_start(TOPIC, "id-2", {0: 0, 1: 0}, contract="flights")
    recreated = Job(other)
    recreated.batch(1, 4)
    recreated.checkpoint(4, [20, 20])
    with pytest.raises(UsageError, match="do not come from the same topic"):
        recreated.find()


def test_an_unpublished_job_is_an_error(job: Job) -> None:
    with pytest.raises(UsageError, match="nothing was published yet"):
        job.find()
