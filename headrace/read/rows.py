"""Rows of published tables and of staged files, with the types of the contract."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.files import partition_of
from headrace.read.tables import open_table
from headrace.storage.parallel import each
from headrace.storage.warehouse import Warehouse
from headrace.table.arrow import arrow_schema
from headrace.table.columns import WHEN_NEEDED
from headrace.table.outputs import Output


def published_rows(warehouse: Warehouse, output: Output, version: int | None = None) -> pa.Table:
    """All rows of a table, at a version or the newest one; none, if it was never published."""
    schema = arrow_schema(output.columns)
    table = open_table(warehouse, output.id, version)
    if table is None:
        return schema.empty_table()
    return table.to_pyarrow_table().select(schema.names).cast(schema)


def read_rows(warehouse: Warehouse, output: Output, paths: Iterable[str]) -> pa.Table:
    """All rows of these files of a table, in order; partition columns come from the folder names."""
    schema = arrow_schema(output.columns)
    tables = each(lambda path: _read(warehouse, output, path, schema), paths)
    return pa.concat_tables([schema.empty_table(), *tables])


def _read(warehouse: Warehouse, output: Output, path: str, schema: pa.Schema) -> pa.Table:
    rows = pq.read_table(pa.BufferReader(warehouse.read(f"{output.id}/{path}")), partitioning=None)
    for name, value in partition_of(path).items():
        days = pa.array([value] * rows.num_rows, pa.string()).cast(pa.date32())
        rows = rows.append_column(name, days)
    for name in WHEN_NEEDED.keys() & set(schema.names) - set(rows.schema.names):
        rows = rows.append_column(schema.field(name), pa.nulls(rows.num_rows, schema.field(name).type))
    return rows.select(schema.names).cast(schema)
