"""No value of a record stops publish, verify, diff, query or redrive, and each value is read back."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from headrace.cluster.kafka import KafkaSource
from headrace.cluster.kafka.fake import FakeKafka
from headrace.contract.column_type import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    MICROS,
    STRING,
    DecimalType,
    TimestampType,
)
from headrace.contract.load import load
from headrace.contract.model import Column, Partition
from headrace.contract.rules import KAFKA_TIME_FIRST, KAFKA_TIME_LAST
from headrace.errors import LedgerError
from headrace.job.declaration import Ingest
from headrace.job.ingest import IngestProgram
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES
from headrace.publish.publisher import Publisher
from headrace.publish.tables import JobTables
from headrace.read import quarantine
from headrace.read.quarantine import Selection
from headrace.read.query import query
from headrace.read.text import to_json, to_text
from headrace.replay import diff, payloads, redrive
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from headrace.table.arrow import arrow_type
from headrace.table.outputs import Output
from headrace.verify.evidence import NoEvidence
from headrace.verify.ingest import verify
from headrace.verify.topic_scan import Extent, OnOffsets, ScanProgress
from tests.publish.sealed_lake import CONTRACT

Row = dict[str, Any]
UTC = dt.timezone.utc
KINDS = {
    "word": STRING,
    "small": INT,
    "big": BIGINT,
    "real": DOUBLE,
    "yes": BOOLEAN,
    "born": DATE,
    "at": MICROS,
    "exact": DecimalType(38, 0),
    "fine": DecimalType(38, 38),
}
CONTRACT_OF_ALL = replace(
    load(CONTRACT),
    columns=tuple(Column(name, kind, required=name == "at") for name, kind in KINDS.items()),
    partition_by=(Partition("at", "day"),),
    rules=(),
    primary_key=(),
)
PROGRAM = IngestProgram(Ingest(contract="events"), CONTRACT_OF_ALL, (CONTRACT_OF_ALL,))
FIRST, LAST = dt.datetime.min, dt.datetime.max  # noqa: DTZ901 - Flink writes UTC without saying so
NINES = "9" * 38
TEXTS = st.sampled_from(
    ["", "\0", "a" * 5000, "'; --", "\x1b[31m", "\U0010ffff" * 40, "\ud7ff", ":::", "%00/=."]
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "word": TEXTS | st.text(),
    "small": st.sampled_from([-(1 << 31), 0, (1 << 31) - 1]),
    "big": st.sampled_from([-(1 << 63), (1 << 53) + 1, (1 << 63) - 1]),
    "real": st.sampled_from([5e-324, -0.0, 1.7976931348623157e308])
    | st.floats(allow_nan=False, allow_infinity=False),
    "yes": st.booleans(),
    "born": st.sampled_from([dt.date.min, dt.date(1970, 1, 1), dt.date.max]),
    "exact": st.sampled_from([Decimal(f"-{NINES}"), Decimal((1 << 53) + 1), Decimal(NINES)]),
    "fine": st.sampled_from([Decimal(f"-0.{NINES}"), Decimal("1e-38"), Decimal(f"0.{NINES}")]),
}
"""What the decoder accepts, by column: the limits, and values next to a boundary."""
TIMES = st.sampled_from([FIRST, dt.datetime(1969, 12, 31, 23, 59, 59, 999_999), LAST]) | st.datetimes()  # noqa: DTZ001
KAFKA_MS = st.sampled_from([KAFKA_TIME_FIRST, KAFKA_TIME_FIRST + 1, KAFKA_TIME_LAST])
OUTSIDE = st.sampled_from(
    [-(1 << 63), -2, -1, KAFKA_TIME_LAST + 1, 253_402_300_800_000, (1 << 61) + 5, (1 << 63) - 1]
)
PLACES = st.sampled_from([(0, 0), (1, (1 << 31) - 1), (32_768, 1 << 48), ((1 << 31) - 1, (1 << 63) - 40)])
"""Partition, and the offset at which the job began on it: Kafka's last record could be at 2^63 - 2."""

PARTITIONS = (0, 1, 32_768, (1 << 31) - 1)


@st.composite
def good_rows(draw: st.DrawFn) -> Row:
    row = {name: draw(values | st.none()) for name, values in VALUES.items()}
    return row | {"at": draw(TIMES), "_kafka_time": draw(KAFKA_MS)}


@st.composite
def bad_rows(draw: st.DrawFn) -> Row:
    texts = {c: draw(TEXTS) for c in ("reason", "contract_version", "_topic")}
    maybe = {c: draw(TEXTS | st.none()) for c in ("field", "rule")}
    outside = draw(OUTSIDE | st.none())
    nearest = draw(KAFKA_MS) if outside is None else min(max(outside, KAFKA_TIME_FIRST), KAFKA_TIME_LAST)
    payload = draw(st.none() | st.sampled_from([b"", b"\0", b"\xff\xfe"]) | st.binary())
    return {"payload": payload, **texts, **maybe, "_kafka_time": nearest, "_kafka_millis": outside}


class Written:
    """A lake whose files are written as the sink writes them; the topic reports what it held."""

    name = "events"

    def __init__(self, folder: Path) -> None:
        self.warehouse: Warehouse = connect(Store(warehouse=f"file://{folder}/lake"))
        self.kafka = FakeKafka()
        self.kafka.create_topic("events", 2)
        for partition in PARTITIONS:
            self.kafka.add_partition("events", partition)
            self.kafka.send("events", (1 << 63) - 1, partition)
        source = KafkaSource(self.kafka, ("events",))
        self.ledger = Ledger(self.warehouse, "events")
        self.publisher = Publisher(JobTables(self.ledger, CONTRACT_OF_ALL, PROGRAM.outputs, source))
        self.next: dict[int, int] = {}
        self.held: dict[int, list[int]] = {}
        self.sealed: list[str] = []

    def begin(self, starts: Mapping[int, int]) -> None:
        self.next = dict(starts)
        topic = self.kafka.describe("events")
        self.ledger.record_start("events", topic.id, dict(starts), contract="events")
        self.ledger.record_claim("s1", None, "1.0.0")

    def placed(self, row: Row, partition: int) -> Row:
        offset = self.next[partition]
        self.next[partition] += 1
        self.held.setdefault(partition, []).append(offset)
        return row | {"_partition": partition, "_offset": offset}

    def seal(self, rows: Mapping[str, list[Row]]) -> None:
        """Seal a checkpoint with rows of each output."""
        at = len(self.sealed) + 1
        name = f"{at:010d}-0123456789abcdef"
        for output in PROGRAM.outputs:
            files = list(self._files(output, at, rows.get(output.id, [])))
            manifest = {
                "id": name,
                "parent": self.sealed[-1] if self.sealed else None,
                "checkpoint": at,
                "output": output.id,
                "claim": 1,
                "submission": "s1",
                "contract_version": "1.0.0",
                "files": files,
            }
            self._put(f"{output.id}/_staged/manifests/{name}.json", json.dumps(manifest).encode())
        self.sealed.append(name)

    def _files(self, output: Output, checkpoint: int, rows: list[Row]) -> Iterator[dict[str, Any]]:
        (day,) = (c.name for c in output.columns if c.partition)
        schema = pa.schema(
            [
                pa.field(
                    c.name,
                    pa.timestamp("us") if isinstance(c.type, TimestampType) else arrow_type(c.type),
                    c.nullable,
                )
                for c in output.columns
                if not c.partition
            ]
        )
        for n, (folder, some) in enumerate(itertools.groupby(rows, lambda r: f"{day}={_day(r).isoformat()}")):
            columns = list(some)
            arrays = [pa.array([_stored(f.name, row) for row in columns], f.type) for f in schema]
            sink = pa.BufferOutputStream()
            pq.write_table(pa.Table.from_arrays(arrays, schema=schema), sink)
            path = f"_staged/s1/{folder}/part-{checkpoint}-{n}.parquet"
            raw = sink.getvalue().to_pybytes()
            self._put(f"{output.id}/{path}", raw)
            yield {"path": path, "size": len(raw)}

    def _put(self, key: str, raw: bytes) -> None:
        obstore.put(self.warehouse.objects, key, raw)

    def scan(self, on_offsets: OnOffsets, tick: ScanProgress) -> dict[int, Extent]:
        tick(0, 1)
        for partition, offsets in self.held.items():
            on_offsets(partition, np.array(offsets, np.int64))
        return {p: Extent(offsets[0], offsets[-1] + 1) for p, offsets in self.held.items()}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        published = list(query(self.warehouse, ["events", "events__quarantine"], sql).rows)
        assert [to_text(value) + json.dumps(to_json(value)) for row in published for value in row]
        return published


def _day(row: Row) -> dt.date:
    at = row.get("at") or dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=row["_kafka_time"])  # noqa: DTZ001
    return at.date() if isinstance(at, dt.datetime) else dt.date(1970, 1, 1)


def _stored(column: str, row: Row) -> Any:
    """A Kafka time is given in milliseconds, or as the microseconds to which it wrapped around."""
    if column != "_kafka_time":
        return row[column]
    return row.get("wrapped", row[column] * 1000)


@settings(max_examples=10)
@given(
    st.lists(st.tuples(good_rows(), PLACES), min_size=2, max_size=4),
    st.lists(st.tuples(bad_rows(), PLACES), max_size=4),
)
def test_the_ends_of_every_type_pass_through(good: list[Any], bad: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Written(Path(folder))
        lake.begin({partition: first for _, (partition, first) in [*good, *bad]})
        data = [lake.placed(row, place[0]) for row, place in good]
        refused = [lake.placed(row, place[0]) for row, place in bad]
        lake.seal({"events": data[:1]})
        lake.publisher.publish()
        lake.seal({"events": data[1:], "events__quarantine": refused})
        lake.publisher.publish()

        assert verify(lake.warehouse, "events", lake, NoEvidence()).verdict == "proved"
        columns = [*KINDS, "_partition", "_offset"]
        all_of_it = f"SELECT {', '.join(columns)} FROM events"  # noqa: S608 - our own names
        published = {row[-2:]: row[:-2] for row in lake.rows(all_of_it)}
        assert published == {
            (row["_partition"], row["_offset"]): tuple(
                row[c].replace(tzinfo=UTC) if c == "at" else row[c] for c in KINDS
            )
            for row in data
        }
        for row in data:  # it is not hidden by a bound in a file's statistics
            for column in ("_offset", "small", "big"):
                if row[column] is not None:
                    one = f"SELECT count(*) FROM events WHERE {column} = {row[column]}"  # noqa: S608
                    assert lake.rows(one)[0][0] >= 1
        changes = diff.batch_diff(lake.ledger, PROGRAM, 1, 2, samples=9)
        assert changes.added.get("records", 0) == len(data) - 1 + len(refused)
        assert json.dumps(changes.to_json())
        shown = [v for sample in changes.samples for pair in sample.values.values() for v in pair]
        assert len([to_text(value) for value in shown]) == len(shown)
        if refused:
            assert sum(r.count for r in quarantine.reasons(lake.warehouse, "events", {})) == len(refused)
            shown = quarantine.records(lake.warehouse, "events")
            assert [r.text(9) and r.to_json(9) for r in shown]
            quarantined = quarantine.payloads(lake.warehouse, "events", Selection())
            assert {(p, o): (payload, ms) for payload, _, p, o, ms in quarantined} == {
                (row["_partition"], row["_offset"]): (
                    row["payload"],
                    row["_kafka_time"] if row["_kafka_millis"] is None else row["_kafka_millis"],
                )
                for row in refused
            }
            again = redrive._payloads(lake.ledger, CONTRACT_OF_ALL, Selection())
            with payloads.new_payload_file() as file:
                count, key = file.write(again), file.store(lake.ledger)
            assert count == len(refused) == len(payloads.positions(lake.warehouse, key))


ROW: Row = dict.fromkeys(VALUES) | {"at": dt.datetime(2026, 1, 1), "_kafka_time": 0}  # noqa: DTZ001
BAD: Row = dict.fromkeys(("reason", "contract_version", "_topic"), "x") | {"field": None, "rule": None}
BAD |= {"payload": b"", "_kafka_time": 0, "_kafka_millis": None}


def staged(folder: Path, *rows: Row, output: str = "events") -> Written:
    lake = Written(folder)
    lake.begin({0: 0})
    lake.seal({output: [lake.placed(row, 0) for row in rows]})
    return lake


def test_a_time_that_only_64_bits_hold_is_published_without_bounds_and_named(tmp_path: Path) -> None:
    lake = staged(tmp_path, ROW, ROW | {"_kafka_time": 253_402_300_800_000})
    with capture_logs() as logs:
        lake.publisher.publish()
    (warning,) = (line for line in logs if line["log_level"] == "warning")
    assert (warning["columns"], warning["file"][-7:]) == (["_kafka_time"], "parquet")
    bounds = pa.table(DeltaTable(lake.warehouse.table_uri("events")).get_add_actions(flatten=True))
    assert bounds["min._offset"].to_pylist() == [0]
    assert "min._kafka_time" not in bounds.column_names or bounds["min._kafka_time"].to_pylist() == [None]
    assert lake.rows("SELECT max(_kafka_time) FROM events") == [("+10000-01-01T00:00:00+00:00",)]
    assert verify(lake.warehouse, "events", lake, NoEvidence()).verdict == "proved"


@pytest.mark.parametrize("millis", [(1 << 63) - 1, -(1 << 62) - 1, 9_223_372_036_854_776, (1 << 62) - 1, -1])
def test_a_time_that_wrapped_around_is_never_published(tmp_path: Path, millis: int) -> None:
    """As an older program staged it: milliseconds times 1,000, in 64 bits."""
    wrapped = (millis * 1000 + (1 << 63)) % (1 << 64) - (1 << 63)
    lake = staged(tmp_path, ROW, ROW | {"wrapped": wrapped})
    with pytest.raises(LedgerError, match="1 rows of a staged file carry a wrong Kafka timestamp") as refused:
        lake.publisher.publish()
    assert "headrace branch restart events" in str(refused.value)
    assert lake.ledger.newest(BATCHES) == 0


def columns(lake: Written, table: str) -> list[str]:
    return [f.name for f in DeltaTable(lake.warehouse.table_uri(table)).schema().fields]


def test_quarantine_gets_the_exact_milliseconds_when_a_record_needs_them(tmp_path: Path) -> None:
    lake = staged(tmp_path, BAD, output="events__quarantine")
    lake.publisher.publish()
    assert "_kafka_millis" not in columns(lake, "events__quarantine")
    lake.seal({"events__quarantine": [lake.placed(BAD | {"_kafka_millis": -1}, 0)]})
    lake.publisher.publish()
    rows_read = lake.rows("SELECT _offset, _kafka_millis FROM events__quarantine ORDER BY 1")
    assert rows_read == [(0, None), (1, -1)]
    assert "_kafka_millis" not in columns(lake, "events")
    lake.seal({"events": [lake.placed(ROW, 0)]})
    lake.publisher.publish()
    assert verify(lake.warehouse, "events", lake, NoEvidence()).verdict == "proved"
