"""The file of payloads that a patch's bounded job judges: a row a record, with the position it keeps."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.contract.column_type import BINARY
from headrace.ledger.ledger import Ledger
from headrace.positions import Positions
from headrace.storage.warehouse import Warehouse, store_errors
from headrace.table.arrow import arrow_schema
from headrace.table.columns import TableColumn
from headrace.table.ddl import PAYLOADS

ORIGINAL = "original"
"""The bytes as they came, where a repair changed them; a column that the job does not read."""
SCHEMA = arrow_schema([*PAYLOADS, TableColumn(ORIGINAL, BINARY)])
AT_ONCE = 20_000
"""Rows in memory."""


@dataclass(frozen=True)
class Payload:
    """One record that is to be judged."""

    payload: bytes | None
    topic: str
    """Of a row out of a file: the file's address."""
    partition: int
    offset: int
    kafka_ms: int
    original: bytes | None = None


class PayloadFile:
    """A file of payloads that is being made."""

    def __init__(self, path: Path, writer: pq.ParquetWriter) -> None:
        self._path, self._writer = path, writer
        self.rows = 0
        """How many were written."""

    def write(self, payloads: Iterable[Payload]) -> int:
        """Add payloads; returns how many those are."""
        before = self.rows
        for some in _portions(payloads):
            self._writer.write_table(pa.Table.from_arrays(_columns(some), schema=SCHEMA))
            self.rows += len(some)
        return self.rows - before

    def store(self, ledger: Ledger) -> str:
        """Copy the finished file into the warehouse, beside the ledger; returns its key."""
        self._writer.close()
        key = f"{ledger.folder}/payloads/{uuid.uuid4()}.parquet"
        with store_errors(ledger.warehouse.uri):
            obstore.put(ledger.warehouse.objects, key, self._path)
        return key


@contextmanager
def new_payload_file() -> Iterator[PayloadFile]:
    """An empty file on this machine, for the duration of the context."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "payloads.parquet"
        with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
            yield PayloadFile(path, writer)


def positions(warehouse: Warehouse, key: str) -> Positions:
    """Which records the file holds."""
    rows = _read(warehouse, key, ["_partition", "_offset"])
    return Positions.of_rows(rows["_partition"].to_numpy(), rows["_offset"].to_numpy())


def repaired_positions(warehouse: Warehouse, key: str) -> Positions:
    """Which of its records hold other bytes than those that came."""
    rows = _read(warehouse, key, ["_partition", "_offset", ORIGINAL])
    rows = rows.filter(pc.is_valid(rows[ORIGINAL]))
    return Positions.of_rows(rows["_partition"].to_numpy(), rows["_offset"].to_numpy())


def _read(warehouse: Warehouse, key: str, columns: Sequence[str]) -> pa.Table:
    return pq.read_table(pa.BufferReader(warehouse.read(key)), columns=list(columns))


def _portions(payloads: Iterable[Payload]) -> Iterator[list[Payload]]:
    some: list[Payload] = []
    for payload in payloads:
        some.append(payload)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _columns(some: Sequence[Payload]) -> list[Any]:
    values: dict[str, list[Any]] = {
        "_payload": [p.payload for p in some],
        "_topic": [p.topic for p in some],
        "_partition": [p.partition for p in some],
        "_offset": [p.offset for p in some],
        "_kafka_ms": [p.kafka_ms for p in some],
        ORIGINAL: [p.original for p in some],
    }
    return [pa.array(values[field.name], field.type) for field in SCHEMA]
