"""An ingest job's lake on a local disk; files and manifests are written by hand, as the sink seals them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from headrace.cluster.kafka import KafkaSource
from headrace.cluster.kafka.fake import FakeKafka
from headrace.contract.model import Contract
from headrace.files import RecordedFile
from headrace.job.declaration import Ingest
from headrace.job.ingest import IngestProgram
from headrace.ledger import fork as forks
from headrace.ledger import patches, replays
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import DONE, CountedFile, PatchKind
from headrace.publish.frontier import frontier_at
from headrace.publish.patch import Patcher
from headrace.publish.publisher import Published, Publisher
from headrace.publish.replace import Behind, NothingSealed, Replacer
from headrace.publish.tables import JobTables
from headrace.storage.warehouse import Warehouse
from headrace.table.outputs import outputs
from tests.ledger.sample_records import judged, patch, replay

CONTRACT = Path(__file__).parents[1] / "stack/project/contracts/events.odcs.yaml"
AT = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


class Killed(Exception):
    """The publisher died."""


RECORDS = 1 << 40
"""More than any test seals: a topic holds at least what a lake has read from it."""


def topics(partitions: int = 4, records: int = RECORDS) -> FakeKafka:
    """Brokers whose topic `events` holds a record at each offset."""
    kafka = FakeKafka()
    kafka.create_topic("events", partitions)
    for partition in range(partitions):
        kafka.send("events", records, partition)
    return kafka


@dataclass
class Lake:
    """One ingest job of one partition; ``bad`` offsets are quarantined."""

    warehouse: Warehouse
    contract: Contract
    newest: dict[int, tuple[int, str | None]] = field(default_factory=dict)
    """Claim → its newest checkpoint and manifest hash."""
    kafka: FakeKafka = field(default_factory=topics)
    started: bool = True
    """Whether a start on the topic is recorded."""

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.warehouse, "events")
        self.source = KafkaSource(self.kafka, ("events",))
        if self.started:
            self.ledger.record_start("events", self.kafka.describe("events").id, {0: 0}, contract="events")

    def submit(self, goes_on: int | None = None, **facts: Any) -> int:
        """Make a claim that continues where another one is now."""
        number = self.ledger.record_claim(f"s{len(self.ledger.claims()) + 1}", None, "1.0.0", **facts).number
        self.newest[number] = self.newest[goes_on] if goes_on else (0, None)
        return number

    def seal(self, claim: int, good: range, bad: range = range(0)) -> dict[str, str]:
        """Seal a checkpoint with these offsets; returns its manifests."""
        checkpoint, parent = self.newest[claim]
        submission = self.ledger.claims()[claim - 1].submission
        at, digest = checkpoint + 1, f"{claim:04d}{checkpoint + 1:012d}"
        ids = {}
        for output, offsets in (("events__quarantine", bad), ("events", good)):
            files = [self._file(output, submission, at, offsets, writer=claim)] if offsets else []
            ids[output] = f"{at:010d}-{digest}"
            manifest = {
                "id": ids[output],
                "parent": parent,
                "checkpoint": at,
                "output": output,
                "claim": claim,
                "submission": submission,
                "contract_version": "1.0.0",
                "files": files,
            }
            key = f"{output}/_staged/manifests/{ids[output]}.json"
            obstore.put(self.warehouse.objects, key, json.dumps(manifest).encode())
        self.newest[claim] = at, ids["events"]
        return ids

    def _file(
        self,
        output: str,
        submission: str,
        checkpoint: int,
        offsets: range,
        partition: int = 0,
        repair: str | None = None,
        writer: int | None = None,
    ) -> dict[str, Any]:
        """``amount`` identifies the writer of a row: a claim's number, or that of a patch, negative."""
        writer = writer or int(submission.removeprefix("s").replace("patch-", "-"))
        place = {
            "_partition": pa.array([partition] * len(offsets), pa.int32()),
            "_offset": pa.array(offsets, pa.int64()),
        }
        when = pa.array([AT] * len(offsets), pa.timestamp("us"))
        if output == "events":
            rows = {
                "id": pa.array(offsets, pa.int64()),
                "at": when,
                "amount": pa.array([Decimal(writer)] * len(offsets), pa.decimal128(6, 2)),
                **place,
                "_kafka_time": when,
                **({"_repaired_by": pa.array([repair] * len(offsets))} if repair else {}),
            }
        else:
            values = {
                c: pa.array(["x"] * len(offsets))
                for c in ("reason", "field", "rule", "contract_version", "_topic")
            }
            rows = {"payload": pa.array([b"x"] * len(offsets)), **values, **place, "_kafka_time": when}
        day = "at_day" if output == "events" else "_kafka_day"
        path = f"_staged/{submission}/{day}=2026-01-01/part-{checkpoint}.parquet"
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(rows), sink)
        raw = sink.getvalue().to_pybytes()
        obstore.put(self.warehouse.objects, f"{output}/{path}", raw)
        return {"path": path, "size": len(raw)}

    def tables(self, fatal: str = "") -> JobTables:
        """The job's tables; a publisher of them dies at the step ``fatal``."""

        def step(name: str) -> None:
            if name == fatal:
                raise Killed

        ledger = Ledger(self.warehouse, "events")  # a separate one: a test may replace its methods
        return JobTables(ledger, self.contract, outputs(self.contract), self.source, step)

    def publisher(self, fatal: str = "") -> Publisher:
        return Publisher(self.tables(fatal))

    def replacer(self, fatal: str = "") -> Replacer:
        return Replacer(self.tables(fatal))

    def patcher(self, fatal: str = "") -> Patcher:
        return Patcher(self.tables(fatal))

    def ask(self, kind: PatchKind, **facts: Any) -> int:
        job = IngestProgram(Ingest("events", "500ms"), self.contract, (self.contract,))
        return patches.record_patch(self.ledger, patch(kind, **{"program": job.digest(), **facts})).number

    def judge(
        self,
        kind: PatchKind,
        good: range,
        bad: range = range(0),
        *,
        partition: int = 0,
        first: int | None = None,
        end: int | None = None,
        repair: str | None = None,
        files: tuple[CountedFile, ...] = (),
    ) -> int:
        """Request a patch and record what its bounded job judged; returns its number."""
        stretch = {"first": {0: good.start if first is None else first}, "end": {0: end}} if end else {}
        number = self.ask(kind, repair=repair, files=files, **stretch)
        made = {
            output: [
                RecordedFile(
                    **self._file(output, f"patch-{number}", 1, offsets, partition, repair),
                    rows=len(offsets),
                    partition={},
                    statistics="",
                )
            ]
            for output, offsets in (("events__quarantine", bad), ("events", good))
            if offsets
        }
        patches.store_judged(
            self.ledger,
            number,
            judged(made, submission=f"patch-{number}", after_batch=self.ledger.newest(DONE), refused=()),
        )
        return number

    def publish(self) -> Published:
        return self.publisher().publish()

    def replay(self, manifests: dict[str, str]) -> tuple[int, int]:
        """Plan a replay from a fork point and make its claim; returns the numbers of both."""
        point = forks.at_manifests(self.ledger, manifests)
        outputs = self.tables().outputs
        reached = frontier_at(self.warehouse, self.ledger, outputs, point)
        planned = replay(fork=point, frontier=reached, replaces={})
        number = replays.record_replay(self.ledger, planned).number
        claim = self.submit(replay=number)
        at = max(manifests.values())
        self.newest[claim] = int(at.partition("-")[0]), at
        return number, claim

    def replace(self, number: int, fatal: str = "") -> Published | Behind | NothingSealed:
        return self.replacer(fatal).replace(number, replays.one(self.ledger, number).fork)

    def rows(self) -> list[tuple[int, str]]:
        """Offset and writer of each row of both tables."""
        published = []
        for name in ("events", "events__quarantine"):
            at, options = self.warehouse.table_uri(name), self.warehouse.delta_options
            table = DeltaTable(at, storage_options=options).to_pyarrow_table()
            amounts = table["amount"].to_pylist() if name == "events" else []
            writers = [f"patch {-a}" if a < 0 else str(a) for a in map(int, amounts)] or ["bad"] * len(table)
            published += zip(table["_offset"].to_pylist(), writers, strict=True)
        return sorted(published)


def by(claim: object, offsets: Iterable[int]) -> list[tuple[int, str]]:
    return [(o, str(claim)) for o in offsets]


def publish_two_batches(lake: Lake) -> dict[str, str]:
    """Publish offsets 0 to 29 in two batches, of claim 1; returns the manifests after the first ten."""
    lake.submit()
    anchor = lake.seal(1, range(10))
    lake.seal(1, range(10, 20))
    lake.publish()
    lake.seal(1, range(20, 25), bad=range(25, 30))
    lake.publish()
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30))
    return anchor


def compact(lake: Lake) -> None:
    """Compact both tables, as a maintenance job of the lake does."""
    for name in ("events", "events__quarantine"):
        DeltaTable(lake.warehouse.table_uri(name)).optimize.compact()


def foreign(lake: Lake) -> list[str]:
    return [u for u in DeltaTable(lake.warehouse.table_uri("events")).file_uris() if "_staged" not in u]
