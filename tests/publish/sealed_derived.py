"""The derive job `events_by_hour` over an ingest job's lake; Flink's files are written by hand."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal

import obstore
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ledger import anchors
from headrace.ledger.ledger import Ledger
from tests.publish.sealed_lake import AT, Lake
from tests.savepoint.flink_metadata import metadata

JOB = "events_by_hour"
OUTPUTS = (f"{JOB}__late", JOB)
HOUR = dt.timedelta(hours=1)


@dataclass
class Derived:
    """The job counts the events, which are all of one hour."""

    lake: Lake
    manifest: str | None = None
    """The newest checkpoint."""

    def __post_init__(self) -> None:
        self.warehouse = self.lake.warehouse
        self.ledger = Ledger(self.warehouse, JOB)
        topic = self.lake.kafka.describe("events")
        self.ledger.record_start("events", topic.id, {0: 0}, contract="events")
        self.ledger.record_claim("d1", None, "1.0.0")

    def seal(self, counted: int) -> None:
        """Seal a checkpoint with a new count of the hour."""
        number = 1 + int((self.manifest or "0").partition("-")[0])
        parent, self.manifest = self.manifest, f"{number:010d}-{number:016x}"
        for output in OUTPUTS:
            snapshot = {
                "id": self.manifest,
                "parent": parent,
                "checkpoint": number,
                "output": output,
                "claim": 1,
                "submission": "d1",
                "contract_version": "1.0.0",
                "files": [self._file(number, counted)] if output == JOB else [],
            }
            key = f"{output}/_staged/manifests/{self.manifest}.json"
            obstore.put(self.warehouse.objects, key, json.dumps(snapshot).encode())

    def _file(self, checkpoint: int, counted: int) -> dict[str, object]:
        rows = {
            "lane": pa.array([0], pa.int64()),
            "begins": pa.array([AT], pa.timestamp("us", "UTC")),
            "events": pa.array([counted], pa.int64()),
            "amount": pa.array([Decimal(1)], pa.decimal128(38, 2)),
            "newest": pa.array([counted], pa.int64()),
        }
        path = f"_staged/d1/begins_day=2026-01-01/part-{checkpoint}.parquet"
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(rows), sink)
        raw = sink.getvalue().to_pybytes()
        obstore.put(self.warehouse.objects, f"{JOB}/{path}", raw)
        return {"path": path, "size": len(raw)}

    def checkpoint(self, read: int, *, watermark: bool = True, savepoint: bool = False) -> str:
        """Write Flink's metadata of the newest checkpoint; returns its address."""
        assert self.manifest
        at = int((AT.replace(tzinfo=dt.timezone.utc) + 2 * HOUR).timestamp() * 1000) if watermark else None
        raw = metadata(JOB, "d1", dict.fromkeys(OUTPUTS, self.manifest), {"events": {0: read}}, at)
        number = int(self.manifest.partition("-")[0])
        place = f"savepoints/savepoint-{number}" if savepoint else f"d1/checkpoints/j/chk-{number}"
        obstore.put(self.warehouse.objects, f"_flink/{JOB}/{place}/_metadata", raw)
        return f"{self.warehouse.uri}/_flink/{JOB}/{place}"

    def forget(self, path: str) -> None:
        """Delete a checkpoint, as Flink does with old ones."""
        self.warehouse.delete(f"{path.removeprefix(f'{self.warehouse.uri}/')}/_metadata")

    def anchor(self, read: int) -> int:
        """A savepoint at the newest checkpoint, as an anchor; returns its number."""
        path = self.checkpoint(read, savepoint=True)
        topics, ledger = {"events": "events"}, self.ledger
        return anchors.record_savepoint(
            self.warehouse, ledger, path, topics, flink="2.3.0", why="", adopted=False
        ).number
