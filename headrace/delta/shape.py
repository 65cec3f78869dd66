"""The columns of a table, or of a staged file, beside those of its contract: what differs, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.schema import DataType, PrimitiveType

from headrace.contract.column_type import MICROS
from headrace.table.arrow import arrow_type
from headrace.table.columns import WHEN_NEEDED, TableColumn
from headrace.table.delta import delta_type


@dataclass(frozen=True)
class ColumnShape:
    """What a column is: its type, as its holder names it, and whether it may be, or in a file is, NULL."""

    type: str
    nullable: bool


def table_differs(table: DeltaTable, columns: Sequence[TableColumn]) -> list[str]:
    """What keeps a table from holding these columns; empty where nothing does."""
    actual = {f.name: ColumnShape(_delta_name(f.type), f.nullable) for f in table.schema().fields}
    wanted = {c.name: ColumnShape(_delta_name(delta_type(c.type)), c.nullable) for c in columns}
    own, other = list(table.metadata().partition_columns), [c.name for c in columns if c.partition]
    apart = (
        f"it is partitioned by {_names(own)}, by the contract it would be by {_names(other)}"
        if own != other
        else ""
    )
    return [*_differ(actual, wanted, "the table"), *filter(None, [apart])]


def file_differs(file: pq.ParquetFile, columns: Sequence[TableColumn]) -> list[str]:
    """What keeps a staged file from being part of a table with these columns; empty where nothing does."""
    wanted = {c.name: ColumnShape(str(arrow_type(c.type)), c.nullable) for c in columns if not c.partition}
    actual = {}
    for number, field in enumerate(file.schema_arrow):
        holds_null = field.nullable and _holds_null(file.metadata, number)
        # A file without a NULL may be part of a table that allows it.
        allowed = field.name in wanted and wanted[field.name].nullable
        actual[field.name] = ColumnShape(_file_type(field.type), holds_null or allowed)
    return list(_differ(actual, wanted, "the file"))


def _differ(
    actual: Mapping[str, ColumnShape], wanted: Mapping[str, ColumnShape], holder: str
) -> Iterator[str]:
    for name in sorted((actual.keys() | wanted.keys()) - WHEN_NEEDED.keys()):
        is_, should = actual.get(name), wanted.get(name)
        if is_ is None or should is None:
            yield f"{name} ({_type_or_missing(is_)} in {holder}, {_type_or_missing(should)} in the contract)"
        elif is_.type != should.type:
            yield f"{name} ({is_.type} in {holder}, {should.type} in the contract)"
        elif is_.nullable != should.nullable:
            yield f"{name} ({_may(is_)} in {holder}, {_may(should)} in the contract)"


def _type_or_missing(shape: ColumnShape | None) -> str:
    return shape.type if shape else "missing"


def _may(shape: ColumnShape) -> str:
    return "may be NULL" if shape.nullable else "never NULL"


def _names(columns: Sequence[str]) -> str:
    return ", ".join(columns) or "nothing"


def _delta_name(type_: DataType) -> str:
    """A type by its name in the Delta log; a nested one, which no contract has, as delta-rs shows it."""
    return type_.type if isinstance(type_, PrimitiveType) else str(type_)


def _file_type(type_: pa.DataType) -> str:
    """Any timestamp is one type of column: it is read as microseconds in UTC, whatever its unit is here."""
    return str(arrow_type(MICROS) if pa.types.is_timestamp(type_) else type_)


def _holds_null(footer: pq.FileMetaData, column: int) -> bool:
    """Whether a value is NULL somewhere, or NULLs were not counted."""
    groups = (footer.row_group(g).column(column).statistics for g in range(footer.num_row_groups))
    return any(s is None or not s.has_null_count or s.null_count > 0 for s in groups)
