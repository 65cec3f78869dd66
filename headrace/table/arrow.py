"""Columns in Arrow, in memory and in Parquet. Imported only by code that reads or writes rows."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from headrace.contract.column_type import Bits, ColumnType, TypeVisitor
from headrace.table.columns import TableColumn


def arrow_type(column_type: ColumnType) -> pa.DataType:
    """The Arrow type of a column's values."""
    return column_type.accept(_Arrow())


def arrow_schema(columns: Sequence[TableColumn]) -> pa.Schema:
    """The schema of rows with these columns, in this order."""
    return pa.schema([pa.field(c.name, arrow_type(c.type), c.nullable) for c in columns])


class _Arrow(TypeVisitor[pa.DataType]):
    def string(self) -> pa.DataType:
        return pa.string()

    def integer(self, bits: Bits) -> pa.DataType:
        return {32: pa.int32(), 64: pa.int64()}[bits]

    def decimal(self, precision: int, scale: int) -> pa.DataType:
        return pa.decimal128(precision, scale)

    def double(self) -> pa.DataType:
        return pa.float64()

    def boolean(self) -> pa.DataType:
        return pa.bool_()

    def date(self) -> pa.DataType:
        return pa.date32()

    def timestamp(self, scale: int) -> pa.DataType:  # noqa: ARG002 - as Delta keeps it, in microseconds
        return pa.timestamp("us", "UTC")

    def binary(self) -> pa.DataType:
        return pa.binary()
