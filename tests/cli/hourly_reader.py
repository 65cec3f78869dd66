"""A submission of the derive job `events_by_hour`, which has counted all published rows of `events`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from headrace.savepoint.retained import checkpoint_folder
from headrace.storage.warehouse import Warehouse
from tests.publish.sealed_lake import AT
from tests.savepoint.flink_metadata import metadata

OUTPUTS = ("events_by_hour__late", "events_by_hour")


@dataclass
class HourlyReader:
    """It reads only partition 0."""

    warehouse: Warehouse
    topic: str
    claim: int
    submission: str
    manifest: str | None = None
    """The newest sealed manifests of both outputs."""
    counted: bool = False

    def checkpoint(self) -> int:
        """Seal the counts if they are not sealed yet; gives the checkpoint's number."""
        number = int((self.manifest or "0-").partition("-")[0]) + 1
        parent, self.manifest = self.manifest, f"{number:010d}-{self.claim:016x}"
        for output in OUTPUTS:
            counts = [] if self.counted or output != "events_by_hour" else [self._counts(number)]
            manifest = {
                "id": self.manifest,
                "parent": parent,
                "checkpoint": number,
                "output": output,
                "claim": self.claim,
                "submission": self.submission,
                "contract_version": "1.0.0",
                "files": counts,
            }
            place = f"{output}/_staged/manifests/{self.manifest}.json"
            self.warehouse.put_new(place, json.dumps(manifest).encode())
        self.counted = True
        self._write(f"{checkpoint_folder('events_by_hour', self.submission)}/checkpoints/j/chk-{number}")
        return number

    def savepoint(self, place: str) -> None:
        """Write where it stands into that folder."""
        self._write(place.removeprefix(f"{self.warehouse.uri}/"))

    def _counts(self, number: int) -> dict[str, object]:
        read = DeltaTable(self.warehouse.table_uri("events")).to_pyarrow_table()
        row = {
            "lane": pa.array([0], pa.int64()),
            "begins": pa.array([AT], pa.timestamp("us", "UTC")),
            "events": pa.array([len(read)], pa.int64()),
            "amount": pa.array([Decimal(1)], pa.decimal128(38, 2)),
            "newest": pa.array([len(read)], pa.int64()),
        }
        path = f"_staged/{self.submission}/begins_day=2026-01-01/part-{number}.parquet"
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(row), sink)
        raw = sink.getvalue().to_pybytes()
        obstore.put(self.warehouse.objects, f"events_by_hour/{path}", raw)
        return {"path": path, "size": len(raw)}

    def _write(self, checkpoint_folder: str) -> None:
        passed = int((AT + timedelta(hours=3)).timestamp() * 1000)
        manifests = dict.fromkeys(OUTPUTS, self.manifest or "")
        raw = metadata("events_by_hour", self.submission, manifests, {self.topic: {0: 30, 1: 0}}, passed)
        obstore.put(self.warehouse.objects, f"{checkpoint_folder}/_metadata", raw)
