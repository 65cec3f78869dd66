"""The rows of a file as JSON documents: JSON lines as they are, Parquet without losing anything."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.errors import UsageError
from headrace.storage.external import Fetched

LINES = (".jsonl", ".ndjson", ".json")
ROWS_AT_ONCE = 20_000
"""Rows of a Parquet file in memory."""


def documents(copy: Fetched) -> Iterator[bytes]:
    """Each row as the JSON document that a producer would have sent.

    Raises:
        UsageError: it is neither JSON lines nor Parquet, it is damaged, or JSON has no form for a value.
    """
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
            for batch in file.iter_batches(ROWS_AT_ONCE):
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
            remedy="add the column to the file: rows are read exactly as stored",
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
