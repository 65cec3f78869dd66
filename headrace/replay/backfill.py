"""Rows from files, for what Kafka no longer has: JSON lines or Parquet, through the same contract.

A row is identified by its file and its place in it. Each file gets a number of its own, and its rows the
negative of that number as their partition: so the same two columns tell a row from every record of the topic,
and from every other row. An absurd event time is judged against the file's modification time.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace import settings
from headrace.errors import UsageError
from headrace.job.program import Program
from headrace.job.ready import require_ready
from headrace.ledger import patches
from headrace.ledger.ledger import Ledger, now
from headrace.ledger.patch_history import PatchHistory
from headrace.ledger.patches import BACKFILL
from headrace.ledger.records import BATCHES, FILES, CountedFile, Patch, PatchBatch, SourceFile, UndoBatch
from headrace.replay import payloads
from headrace.replay.payloads import Payload
from headrace.storage import external as outside
from headrace.storage.external import Fetched, fetch

LINES = (".jsonl", ".ndjson", ".json")
AT_ONCE = 20_000
NAMED = 3
"""Files that are named where there is room for some."""
Tick = Callable[..., None]


def record(
    store: settings.Store, ledger: Ledger, program: Program, addresses: list[str], why: str, tick: Tick
) -> Patch:
    """Copy the rows of the files into the warehouse, and record the backfill.

    Raises:
        UsageError: a file is missing, is neither JSON lines nor Parquet, or was backfilled already.
        ClusterError: the object store does not answer.
    """
    judged_by = require_ready(ledger, program)
    files: list[CountedFile] = []
    key, records = payloads.write(ledger, _rows(store, ledger, addresses, files, tick))
    if not records:
        raise UsageError("the files have no rows", where=", ".join(addresses))
    origin = ", ".join(f.address for f in files[:NAMED])
    origin += f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    asked = Patch(
        kind=BACKFILL,
        origin=origin,
        why=why,
        by="",
        at="",
        contract_version=program.contract.version,
        program=judged_by,
        records=records,
        input=key,
        files=tuple(files),
    )
    return patches.record(ledger, asked)


def count_rows(
    store: settings.Store, ledger: Ledger, batch: int, tick: Tick, unverified: list[str] | None = None
) -> dict[int, int]:
    """Count the rows of each file that a batch holds, by the partition of its rows.

    Where a file is gone, or holds other bytes now, the ledger's count is taken, and the file's address is
    added to ``unverified``.
    """
    put_in, back = _moved(ledger, batch)
    counts = {}
    for patch in patches.every(ledger):
        if patch.kind == BACKFILL and patch.number in put_in - back:
            for file in patch.files:
                tick(what=f"counting {file.address}")
                counts[-file.number] = _count(store, file, [] if unverified is None else unverified)
    return counts


def _moved(ledger: Ledger, batch: int) -> tuple[set[int], set[int]]:
    """Patches that are put in, and those that are undone, up to a batch.

    That batch may be in the tables although its publisher died before it wrote the decision.
    """
    moves = [(d.patch, d.undoes_patch) for d in patches.publications(ledger.decisions()) if d.batch <= batch]
    last = ledger.get(BATCHES, batch)
    if isinstance(last, (PatchBatch, UndoBatch)):
        moves.append((last.patch, last.undone))
    return {patch for patch, _ in moves}, {undone for _, undone in moves if undone}


def _count(store: settings.Store, file: CountedFile, unverified: list[str]) -> int:
    with contextlib.suppress(UsageError), fetch(store, file.address) as copy:
        if copy.sha256 == file.sha256:
            return sum(1 for _ in _documents(copy))
    unverified.append(file.address)
    return file.rows


def _rows(
    store: settings.Store, ledger: Ledger, addresses: list[str], files: list[CountedFile], tick: Tick
) -> Iterator[Payload]:
    """Every row of the files; of each file, what the ledger keeps of it is added to ``files``."""
    history = PatchHistory(ledger)
    known = _known(history)
    for address in outside.list_files(store, addresses):
        with fetch(store, address) as copy:
            if any(f.sha256 == copy.sha256 for f in files):
                raise UsageError("another of these files holds the same bytes", where=address)
            if other := known.get(copy.sha256):
                raise _taken_already(history, other, address)
            taken = SourceFile(address=address, sha256=copy.sha256, modified_ms=copy.modified_ms, at=now())
            number, row = ledger.append(FILES, taken), 0
            for row, document in enumerate(_documents(copy), 1):
                if row % AT_ONCE == 0:
                    tick(completed=row, what=address)
                yield Payload(document, address, -number, row - 1, copy.modified_ms)
            files.append(CountedFile(**{**taken.to_json(), "number": number, "rows": row}))


def _known(history: PatchHistory) -> dict[str, Patch]:
    """SHA-256 of each file that a backfill has taken rows from → that backfill; undone ones do not count."""
    return {
        f.sha256: p
        for p in patches.every(history.ledger)
        if p.kind == BACKFILL and history.state(p.number) not in ("undone", "dropped")
        for f in p.files
    }


def _taken_already(history: PatchHistory, other: Patch, address: str) -> UsageError:
    is_in = patches.batch_of(history.decisions, other.number)
    return UsageError(
        f"backfill {other.number} has taken the same bytes already, and is {history.state(other.number)}",
        where=address,
        remedy=f"headrace patch {'show' if is_in else 'apply'} {history.ledger.job} {other.number}",
    )


def _documents(copy: Fetched) -> Iterator[bytes]:
    """Each row as the JSON document that a producer would have sent."""
    name = copy.path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        return _of_parquet(copy)
    if name.endswith(LINES):
        return _lines(copy)
    raise UsageError(
        "a backfill takes JSON lines or Parquet",
        where=copy.address,
        remedy=f"name the file {', '.join(f'*{s}' for s in LINES)}, the same with .gz, or *.parquet",
    )


def _lines(copy: Fetched) -> Iterator[bytes]:
    """Lines without their ends; an empty line is a row too, which no contract accepts."""
    try:
        with gzip.open(copy.path) if copy.path.name.endswith(".gz") else copy.path.open("rb") as file:
            for line in file:
                yield line.removesuffix(b"\n")
    except (gzip.BadGzipFile, EOFError, zlib.error) as e:
        raise UsageError("the file is truncated, or not gzip", where=copy.address) from e


def _of_parquet(copy: Fetched) -> Iterator[bytes]:
    try:
        with pq.ParquetFile(copy.path) as file:
            schema = file.schema_arrow
            _refuse_not_json(schema, copy.address)
            for batch in file.iter_batches(AT_ONCE):
                for row in batch.cast(_to_micros(schema)).to_pylist():
                    yield json.dumps(row, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()
    except (pa.ArrowException, ValueError, OverflowError) as e:  # their words may quote a value
        raise UsageError(
            f"the file cannot be read as Parquet, or a value has no exact JSON form ({type(e).__name__})",
            where=copy.address,
            remedy="times finer than a microsecond and days beyond the year 9999 are refused, not cut",
        ) from e


def _refuse_not_json(schema: pa.Schema, address: str) -> None:
    """Refuse columns that a JSON document cannot hold, or would lose."""
    if twice := [name for name in schema.names if schema.names.count(name) > 1]:
        raise UsageError(f"two columns are called {twice[0]}", where=address)
    folders = {folder.partition("=")[0] for folder in address.split("/")[:-1] if "=" in folder}
    if outside_file := sorted(folders - set(schema.names)):
        raise UsageError(
            f"column {outside_file[0]} is in the folder's name, but not in the file",
            where=address,
            remedy="write it into the file: rows are taken as the file holds them",
        )
    for field in schema:
        if not _has_json_form(field.type):
            raise UsageError(f"column {field.name} has a type that JSON cannot express", where=address)


def _has_json_form(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return not pa.types.is_map(kind) and all(
            _has_json_form(kind.field(i).type) for i in range(kind.num_fields)
        )
    checks = (
        pa.types.is_boolean,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_temporal,
        pa.types.is_null,
    )
    return any(check(kind) for check in checks) and not pa.types.is_duration(kind)


def _to_micros(schema: pa.Schema) -> pa.Schema:
    """Python has no nanoseconds: where a value has some, the cast fails instead of cutting them off."""
    return pa.schema([f.with_type(_in_micros(f.type)) for f in schema])


def _in_micros(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    return pa.time64("us") if pa.types.is_time64(kind) else kind


def _plain(value: Any) -> str:
    """What JSON has no type for, as text: the decoder reads exact decimals and ISO times from it."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    raise TypeError(type(value).__name__)
