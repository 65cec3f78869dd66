"""Columns in Delta. It loads delta-rs, so only code that writes or compares tables imports it."""

from __future__ import annotations

from deltalake import Field
from deltalake.schema import DataType, PrimitiveType

from headrace.contract.column_type import Bits, ColumnType, TypeVisitor
from headrace.table.columns import TableColumn


def delta_type(column_type: ColumnType) -> DataType:
    """The type in the Delta log."""
    return column_type.accept(_Delta())


def delta_field(column: TableColumn) -> Field:
    """The column as a field of a Delta schema."""
    return Field(column.name, delta_type(column.type), nullable=column.nullable)


class _Delta(TypeVisitor[DataType]):
    def string(self) -> DataType:
        return PrimitiveType("string")

    def integer(self, bits: Bits) -> DataType:
        return PrimitiveType({32: "integer", 64: "long"}[bits])

    def decimal(self, precision: int, scale: int) -> DataType:
        return PrimitiveType(f"decimal({precision},{scale})")

    def double(self) -> DataType:
        return PrimitiveType("double")

    def boolean(self) -> DataType:
        return PrimitiveType("boolean")

    def date(self) -> DataType:
        return PrimitiveType("date")

    def timestamp(self, scale: int) -> DataType:  # noqa: ARG002 - Delta keeps microseconds
        return PrimitiveType("timestamp")

    def binary(self) -> DataType:
        return PrimitiveType("binary")
