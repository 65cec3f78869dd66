"""A topic's published table, and derive jobs that have read it; written by hand, as publish leaves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import obstore
import pyarrow as pa
from deltalake import CommitProperties, Transaction, write_deltalake

from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, DONE, Done
from headrace.storage.warehouse import Warehouse
from tests.ledger import sample_records
from tests.ledger.sample_records import publish
from tests.savepoint.flink_metadata import metadata

BEGIN = datetime(2013, 1, 1, tzinfo=timezone.utc)
TOPIC = "flights"
MANIFEST = "0000000001-" + "ab" * 8
PASSED = 3
"""Minutes that the watermark has passed; the row of the last one waits."""
OUTPUTS = {
    "flights_deduplicated": [
        "flights_deduplicated",
        "flights_retries",
        "flights_conflicts",
        "flights_deduplicated__late",
    ],
    "flights_measured": ["flights_measured", "flight_delays", "flights_measured__late"],
    "flights_enriched": [
        "flights_enriched",
        "flights_enriched__late",
        "flights_enriched__late_weather",
        "flights_enriched__late_planes",
    ],
    "aircraft_rotation": ["aircraft_rotation", "aircraft_rotation__late"],
}
Rows = Mapping[str, Sequence[int]]
"""Table → the offsets, and minutes, of its rows."""


@dataclass
class Lake:
    """Six flights in a topic's published table, and derive jobs that have read them all."""

    warehouse: Warehouse

    def __post_init__(self) -> None:
        ingest = Ledger(self.warehouse, "flights")
        ingest.record_start(TOPIC, "id", {0: 0}, contract="flights")
        ingest.put(DONE, 1, done(["flights"], {0: 6}))
        self.write("flights", "flights", range(6))

    def derived(self, job: str, rows: Rows) -> None:
        """One batch of a derive job."""
        ledger = Ledger(self.warehouse, job)
        ledger.record_start(TOPIC, "id", {0: 0}, contract="flights")
        ledger.put(BATCHES, 1, publish())
        ledger.put(DONE, 1, done(OUTPUTS[job], {}))
        self.keep(job, f"_flink/{job}/s1/checkpoints/j/chk-1")
        for output in OUTPUTS[job]:
            self.write(job, output, rows.get(output, ()))

    def keep(self, job: str, folder: str) -> None:
        """A checkpoint of a derive job at its batch."""
        at = int((BEGIN + timedelta(minutes=PASSED)).timestamp() * 1000)
        raw = metadata(job, "s1", dict.fromkeys(OUTPUTS[job], MANIFEST), {TOPIC: {0: 6}}, at)
        obstore.put(self.warehouse.objects, f"{folder}/_metadata", raw)

    def write(self, job: str, name: str, offsets: Sequence[int]) -> None:
        write_deltalake(
            self.warehouse.table_uri(name),
            pa.table(
                {
                    "_partition": pa.array([0] * len(offsets), pa.int32()),
                    "_offset": pa.array(offsets, pa.int64()),
                    "scheduled_departure": pa.array(
                        [BEGIN + timedelta(minutes=o) for o in offsets], pa.timestamp("us", "UTC")
                    ),
                }
            ),
            mode="append",
            commit_properties=CommitProperties(app_transactions=[Transaction(f"{job}/{name}", 1)]),
        )


def done(outputs: Sequence[str], frontier: Mapping[int, int]) -> Done:
    return sample_records.done(1, heads=dict.fromkeys(outputs, MANIFEST), frontier=frontier)
