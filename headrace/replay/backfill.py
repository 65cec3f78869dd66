"""Rows out of files, for what Kafka no longer has: JSON lines or Parquet, through the same contract.

A row is known by its file and its place in it. Each file gets a number that no other has, and its rows the
partition below zero of that number: so a row can be told from every record of the topic, and from every other
row, by the same two columns. The time that an absurd event time is judged against is the file's.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace import settings
from headrace.contract.model import Contract
from headrace.errors import UsageError
from headrace.lake import outside, patches
from headrace.lake.ledger import Ledger, Record, now
from headrace.lake.outside import Fetched, fetched
from headrace.lake.patches import BACKFILL, Patch
from headrace.replay import payloads
from headrace.replay.payloads import Payload

FILES = "files"
LINES = (".jsonl", ".ndjson", ".json")
AT_ONCE = 20_000
NAMED = 3
"""Files that are named where there is room for some."""
Tick = Callable[..., None]


def ask(
    store: settings.Store, ledger: Ledger, contract: Contract, addresses: list[str], why: str, tick: Tick
) -> Patch:
    """Take the rows out of the files, and record the backfill.

    Raises:
        UsageError: a file is not there, is none of the two kinds, or was backfilled already.
        ClusterError: the object store does not answer.
    """
    files: list[Record] = []
    key, records = payloads.write(ledger, _rows(store, ledger, addresses, files, tick))
    if not records:
        raise UsageError("the files have no rows", where=", ".join(addresses))
    origin = ", ".join(f["address"] for f in files[:NAMED])
    origin += f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    asked = Patch(0, BACKFILL, origin, why, "", "", contract.version, records, input=key, files=files)
    return patches.record(ledger, asked)


def counted_again(store: settings.Store, ledger: Ledger, batch: int, tick: Tick) -> dict[int, int]:
    """How many rows each file has that a batch holds, by the partition of its rows: counted in the file.

    Of a file that is gone, or holds other bytes by now, the ledger's word is taken.
    """
    decisions = ledger.decisions()
    found = {}
    for patch in patches.every(ledger):
        put_in = patches.batch_of(decisions, patch.number)
        taken_back = patches.undone_in(decisions, patch.number)
        if patch.kind != BACKFILL or not 0 < put_in <= batch or 0 < taken_back <= batch:
            continue
        for file in patch.files:
            tick(what=f"counting {file['address']}")
            found[-file["number"]] = _counted(store, file)
    return found


def _counted(store: settings.Store, file: Record) -> int:
    try:
        with fetched(store, file["address"]) as copy:
            if copy.sha256 == file["sha256"]:
                return sum(1 for _ in _documents(copy))
    except UsageError:
        pass
    return int(file["rows"])


def _rows(
    store: settings.Store, ledger: Ledger, addresses: list[str], files: list[Record], tick: Tick
) -> Iterator[Payload]:
    """Every row of the files; of each file, what the ledger keeps of it is added to ``files``."""
    known = {
        f["sha256"]: p
        for p in patches.every(ledger)
        if p.kind == BACKFILL and patches.state(ledger, p.number) not in ("undone", "given up")
        for f in p.files
    }
    for address in outside.listed(store, addresses):
        with fetched(store, address) as copy:
            if any(f["sha256"] == copy.sha256 for f in files):
                raise UsageError("another of these files holds the very same bytes", where=address)
            if other := known.get(copy.sha256):
                raise UsageError(
                    f"backfill {other.number} has taken these very bytes already",
                    where=address,
                    remedy=f"headrace patch show {ledger.job} {other.number}",
                )
            told = {"address": address, "sha256": copy.sha256, "modified_ms": copy.modified_ms, "at": now()}
            number, row = ledger.append(FILES, told), 0
            for row, document in enumerate(_documents(copy), 1):
                if row % AT_ONCE == 0:
                    tick(completed=row, what=address)
                yield Payload(document, address, -number, row - 1, copy.modified_ms)
            files.append({**told, "number": number, "rows": row})


def _documents(copy: Fetched) -> Iterator[bytes]:
    """Each row as the JSON document that a producer would have sent."""
    name = copy.path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        return _of_parquet(copy)
    if name.endswith(LINES):
        return _lines(copy.path)
    raise UsageError(
        "a backfill takes JSON lines or Parquet",
        where=copy.address,
        remedy=f"name the file {', '.join(f'*{s}' for s in LINES)}, the same with .gz, or *.parquet",
    )


def _lines(path: Path) -> Iterator[bytes]:
    """Lines without their ends; an empty one is a row as well, which no contract takes."""
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
        for line in file:
            yield line.removesuffix(b"\n")


def _of_parquet(copy: Fetched) -> Iterator[bytes]:
    try:
        with pq.ParquetFile(copy.path) as file:
            _refuse_binary(file.schema_arrow, copy.address)
            for batch in file.iter_batches(AT_ONCE):
                for row in batch.cast(_to_micros(batch.schema)).to_pylist():
                    yield json.dumps(row, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()
    except pa.ArrowException as e:
        raise UsageError(f"the file cannot be read as Parquet: {str(e)[:200]}", where=copy.address) from e


def _refuse_binary(schema: pa.Schema, address: str) -> None:
    if found := [f.name for f in schema if pa.types.is_binary(f.type) or pa.types.is_large_binary(f.type)]:
        raise UsageError(f"column {found[0]} holds bytes, which no JSON document can", where=address)


def _to_micros(schema: pa.Schema) -> pa.Schema:
    """Python knows no nanoseconds: where a value has some, the cast says so instead of cutting them off."""
    fields = [
        f.with_type(pa.timestamp("us", f.type.tz)) if pa.types.is_timestamp(f.type) else f for f in schema
    ]
    return pa.schema(fields)


def _plain(value: Any) -> str:
    """What JSON has no type for, as text: the decoder reads exact decimals and ISO times from it."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    raise TypeError(type(value).__name__)
