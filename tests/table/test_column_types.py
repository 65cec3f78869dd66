from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from deltalake import Schema

from headrace.contract.column_type import (
    BIGINT,
    BINARY,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    MICROS,
    MILLIS,
    STRING,
    ColumnType,
    DecimalType,
    TypeVisitor,
)
from headrace.table.arrow import arrow_schema, arrow_type
from headrace.table.columns import TableColumn
from headrace.table.delta import delta_field, delta_type
from headrace.table.flink import flink_type

RENDERED: dict[ColumnType, tuple[str, str, str, pa.DataType]] = {
    STRING: ("string", "STRING", "string", pa.string()),
    INT: ("integer(32)", "INT", "integer", pa.int32()),
    BIGINT: ("integer(64)", "BIGINT", "long", pa.int64()),
    DecimalType(7, 2): ("decimal(7,2)", "DECIMAL(7, 2)", "decimal(7,2)", pa.decimal128(7, 2)),
    DOUBLE: ("double", "DOUBLE", "double", pa.float64()),
    BOOLEAN: ("boolean", "BOOLEAN", "boolean", pa.bool_()),
    DATE: ("date", "DATE", "date", pa.date32()),
    MILLIS: ("timestamp", "TIMESTAMP_LTZ(3)", "timestamp", pa.timestamp("us", "UTC")),
    MICROS: ("timestamp", "TIMESTAMP_LTZ(6)", "timestamp", pa.timestamp("us", "UTC")),
    BINARY: ("binary", "BYTES", "binary", pa.binary()),
}


@pytest.mark.parametrize("column_type", RENDERED, ids=str)
def test_a_type_in_words_in_flink_in_delta_and_in_arrow(column_type: ColumnType) -> None:
    rendered = (str(column_type), flink_type(column_type), delta_type(column_type).type)
    assert (*rendered, arrow_type(column_type)) == RENDERED[column_type]


def test_every_class_of_types_is_rendered() -> None:
    assert {type(t) for t in RENDERED} == set(ColumnType.__subclasses__())


def test_delta_rs_makes_of_our_arrow_columns_our_delta_columns() -> None:
    columns = [TableColumn(f"c{n}", t, nullable=n % 2 == 0) for n, t in enumerate(RENDERED)]
    assert Schema.from_arrow(arrow_schema(columns)) == Schema([delta_field(c) for c in columns])


def test_a_renderer_that_lacks_a_type_does_not_run() -> None:
    class _Texts(TypeVisitor[str]):
        def string(self) -> str:
            return "text"

    made: Any = _Texts
    with pytest.raises(TypeError, match="abstract"):
        made()
