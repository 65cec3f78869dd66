"""Maps the standard's logicalType and physicalType to a column type; a type that is not exact is refused."""

from __future__ import annotations

import re
from typing import Any

from headrace.contract.column_type import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    MICROS,
    MILLIS,
    STRING,
    ColumnType,
    DecimalType,
)

MAX_PRECISION = 38
"""Both Flink's and Delta's limit for decimals."""

_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\)")
_PLAIN: dict[str, tuple[ColumnType, frozenset[str]]] = {
    "string": (STRING, frozenset({"STRING"})),
    "boolean": (BOOLEAN, frozenset({"BOOLEAN"})),
    "date": (DATE, frozenset({"DATE"})),
}
_TIMESTAMPS = {"": MICROS, "TIMESTAMP_LTZ": MICROS, "TIMESTAMP_LTZ(6)": MICROS, "TIMESTAMP_LTZ(3)": MILLIS}
_INTEGERS = {"": BIGINT, "BIGINT": BIGINT, "INT": INT, "INTEGER": INT}
_KNOWN = "string, integer, number, boolean, date, timestamp"


class UnsupportedTypeError(ValueError):
    """A type that no column can have: ``key`` is the contract's key at fault."""

    def __init__(self, key: str, what: str, remedy: str) -> None:
        self.key, self.what, self.remedy = key, what, remedy
        super().__init__(what)


def column_type(logical: Any, physical: Any) -> ColumnType:
    """The type of a property.

    An integer has 64 bits unless ``physicalType`` is INT (the standard's default of 32 bits would refuse
    values that a JSON producer may send). A number must be DECIMAL(p,s) or DOUBLE: there is no neutral
    choice.

    Raises:
        UnsupportedTypeError: no column type holds its values exactly.
    """
    stated = "" if physical is None else str(physical).strip().upper()
    if logical == "integer":
        return _integer(stated)
    if logical == "number":
        return _number(stated)
    if logical == "timestamp":
        return _timestamp(stated)
    if logical not in _PLAIN:
        what = f"logicalType {logical} is not supported" if logical else "logicalType is missing"
        raise UnsupportedTypeError("logicalType", what, f"use one of {_KNOWN}")
    type_, spellings = _PLAIN[logical]
    if stated and stated not in spellings:
        what = f"physicalType {physical} does not fit logicalType {logical}"
        raise UnsupportedTypeError("physicalType", what, f"leave it out, or write {min(spellings)}")
    return type_


def _timestamp(stated: str) -> ColumnType:
    if stated not in _TIMESTAMPS:
        what = f"physicalType {stated} does not fit logicalType timestamp"
        remedy = "leave it out, or write TIMESTAMP_LTZ(3) or TIMESTAMP_LTZ(6)"
        raise UnsupportedTypeError("physicalType", what, remedy)
    return _TIMESTAMPS[stated]


def _integer(stated: str) -> ColumnType:
    if stated not in _INTEGERS:
        what = f"physicalType {stated} does not fit logicalType integer"
        raise UnsupportedTypeError("physicalType", what, "write INT (32 bits) or BIGINT (64 bits)")
    return _INTEGERS[stated]


def _number(stated: str) -> ColumnType:
    if stated == "DOUBLE":
        return DOUBLE
    match = _DECIMAL.fullmatch(stated)
    precision, scale = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
    if not 1 <= precision <= MAX_PRECISION or scale > precision:
        what = f"a number needs a physicalType, not {stated or 'none'}"
        remedy = f"write DECIMAL(p,s) with p up to {MAX_PRECISION} for exact values, or DOUBLE"
        raise UnsupportedTypeError("physicalType", what, remedy)
    return DecimalType(precision, scale)
