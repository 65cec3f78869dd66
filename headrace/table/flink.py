"""Column types in Flink's SQL."""

from __future__ import annotations

from headrace.contract.column_type import Bits, ColumnType, TypeVisitor


def flink_type(column_type: ColumnType) -> str:
    """The type in Flink's ``CREATE TABLE``, without ``NOT NULL``."""
    return column_type.accept(_Flink())


class _Flink(TypeVisitor[str]):
    def string(self) -> str:
        return "STRING"

    def integer(self, bits: Bits) -> str:
        return {32: "INT", 64: "BIGINT"}[bits]

    def decimal(self, precision: int, scale: int) -> str:
        return f"DECIMAL({precision}, {scale})"

    def double(self) -> str:
        return "DOUBLE"

    def boolean(self) -> str:
        return "BOOLEAN"

    def date(self) -> str:
        return "DATE"

    def timestamp(self, scale: int) -> str:
        return f"TIMESTAMP_LTZ({scale})"

    def binary(self) -> str:
        return "BYTES"
