"""Everything a contract promises about one row as one SQL expression: NULL, or the first broken promise.

Flink compiles it to JVM code, so no record passes through Python. The order is fixed (columns as in the file,
each required → enum → length → pattern → bounds; then the bound on the future; then the named rules), so the
same record always gets the same verdict. A check whose answer is unknown passes, as in SQL's CHECK.

One check comes before all of these, for every contract: the record's Kafka timestamp must be a time that the
table can hold. The bound on the future is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from headrace.contract.column_type import ColumnType, DoubleType
from headrace.contract.model import KAFKA_TIME, Bound, Column, Contract
from headrace.contract.sql import identifier, instant_literal, literal

CHECKS_A_CASE = 50
"""Flink took 35 s to compile one CASE of 600 checks, and 11 s for twelve of 50 inside a COALESCE."""


KAFKA_TIME_FIRST = 0
"""1970-01-01T00:00:00Z. Kafka's -1 means that a record has no timestamp; clients send nothing lower."""
KAFKA_TIME_LAST = 9_223_372_036_854
"""2262-04-11T23:47:16.854Z: the last that fits into 64 bits of nanoseconds. Parquet's microseconds reach
further, Python reaches the year 9999. But DataFusion, which runs `headrace query`, computes hours and days in
nanoseconds, and pandas may: one later row would break such a query for all rows."""
_OUTSIDE = (
    f"{identifier(KAFKA_TIME)} NOT BETWEEN {instant_literal(KAFKA_TIME_FIRST)}"
    f" AND {instant_literal(KAFKA_TIME_LAST)}"
)


class ReasonCode(str, Enum):
    """Why a well-formed record breaks its contract. The codes are stable: tables and alerts use them.

    ``rule`` in the quarantine table names the promise: the contract's key for columns, else the rule's name.
    """

    KAFKA_TIME_OUT_OF_RANGE = "kafka_time_out_of_range"
    """The Kafka timestamp is before 1970 or after 2262-04-11; field ``_kafka_time``, rule ``range``."""
    REQUIRED_MISSING = "required_missing"
    """A required column is null or absent; rule ``required``."""
    NOT_IN_ENUM = "not_in_enum"
    """The value is not one of the enum's; rule ``enum``."""
    PATTERN_MISMATCH = "pattern_mismatch"
    """The pattern does not match the whole value; rule ``pattern``."""
    BELOW_MINIMUM = "below_minimum"
    """Less than the minimum; rule ``minimum``."""
    ABOVE_MAXIMUM = "above_maximum"
    """Greater than the maximum; rule ``maximum``."""
    TOO_SHORT = "too_short"
    """Fewer characters (code points) than minLength; rule ``minLength``."""
    TOO_LONG = "too_long"
    """More characters (code points) than maxLength; rule ``maxLength``."""
    EVENT_TIME_IN_FUTURE = "event_time_in_future"
    """The event time is after the record's Kafka timestamp plus maxFuture; rule ``maxFuture``."""
    RULE_FAILED = "rule_failed"
    """A named rule is false; rule is its name, and the field is empty."""


@dataclass(frozen=True)
class Check:
    """One promise: ``broken`` is SQL that is true if it does not hold."""

    reason: ReasonCode
    field: str
    rule: str
    broken: str

    @property
    def verdict(self) -> str:
        """``reason:field:rule``; no part can contain a colon."""
        return f"{self.reason.value}:{self.field}:{self.rule}"


def checks(contract: Contract) -> list[Check]:
    """Every promise about one row, in the order of evaluation."""
    in_order = [Check(ReasonCode.KAFKA_TIME_OUT_OF_RANGE, KAFKA_TIME, "range", _OUTSIDE)]
    in_order += [check for column in contract.columns for check in _column(column)]
    if contract.max_future is not None and contract.event_time is not None:
        latest = f"{identifier(KAFKA_TIME)} + {literal(contract.max_future)}"
        broken = f"{identifier(contract.event_time)} > {latest}"
        in_order.append(Check(ReasonCode.EVENT_TIME_IN_FUTURE, contract.event_time, "maxFuture", broken))
    in_order += [Check(ReasonCode.RULE_FAILED, "", r.name, f"NOT {r.expression}") for r in contract.rules]
    return in_order


def promised(contract: Contract) -> dict[str, str]:
    """The promises about one row that the contract states, by name and in the contract's own words."""
    of_columns = {
        f"{key} of {c.name}": str(value)
        for c in contract.columns
        for key, value in (
            ("required", "true" if c.required else None),
            ("enum", ", ".join(map(str, c.enum)) or None),
            ("minLength", c.min_length),
            ("maxLength", c.max_length),
            ("pattern", c.pattern),
            ("minimum", c.minimum),
            ("maximum", c.maximum),
        )
        if value is not None
    }
    return of_columns | {f"rule {rule.name}": rule.text for rule in contract.rules}


def storable_kafka_time() -> str:
    """SQL: the record's Kafka timestamp, or the nearer end of the range if it is outside."""
    time, first, last = identifier(KAFKA_TIME), *map(instant_literal, (KAFKA_TIME_FIRST, KAFKA_TIME_LAST))
    return f"CASE WHEN {time} < {first} THEN {first} WHEN {time} > {last} THEN {last} ELSE {time} END"


def unstorable_millis(function: str) -> str:
    """SQL: the milliseconds of a Kafka timestamp that is out of range, by that function; else NULL."""
    return f"CASE WHEN {_OUTSIDE} THEN {function}({identifier(KAFKA_TIME)}) END"


def verdict_sql(contract: Contract) -> str:
    """One expression over the contract's columns and ``_kafka_time``: NULL, or ``reason:field:rule``."""
    whens = [f"WHEN {c.broken} THEN {literal(c.verdict)}" for c in checks(contract)]
    cases = [
        "CASE\n    " + "\n    ".join(whens[i : i + CHECKS_A_CASE]) + "\n  END"
        for i in range(0, len(whens), CHECKS_A_CASE)
    ]
    # Without the cast, strings of the same length would make it CHAR(n).
    return f"CAST({cases[0] if len(cases) == 1 else 'COALESCE(' + ', '.join(cases) + ')'} AS STRING)"


def _column(column: Column) -> Iterator[Check]:
    name = identifier(column.name)
    if column.required:
        yield Check(ReasonCode.REQUIRED_MISSING, column.name, "required", f"{name} IS NULL")
    if column.enum:
        allowed = ", ".join(literal(v) for v in column.enum)
        yield Check(ReasonCode.NOT_IN_ENUM, column.name, "enum", f"{name} NOT IN ({allowed})")
    yield from _length(column, name)
    if column.pattern is not None:
        # After the length, which bounds what the pattern has to read.
        # REGEXP looks for a match anywhere, and $ would accept a line feed at the end; \z does not.
        whole = literal(rf"\A(?:{column.pattern})\z")
        yield Check(ReasonCode.PATTERN_MISMATCH, column.name, "pattern", f"NOT REGEXP({name}, {whole})")
    if column.minimum is not None:
        least = _bound(column.type, column.minimum)
        yield Check(ReasonCode.BELOW_MINIMUM, column.name, "minimum", f"{name} < {least}")
    if column.maximum is not None:
        greatest = _bound(column.type, column.maximum)
        yield Check(ReasonCode.ABOVE_MAXIMUM, column.name, "maximum", f"{name} > {greatest}")


def _length(column: Column, name: str) -> Iterator[Check]:
    if column.min_length is not None:
        broken = f"CHAR_LENGTH({name}) < {column.min_length}"
        yield Check(ReasonCode.TOO_SHORT, column.name, "minLength", broken)
    if column.max_length is not None:
        broken = f"CHAR_LENGTH({name}) > {column.max_length}"
        yield Check(ReasonCode.TOO_LONG, column.name, "maxLength", broken)


def _bound(type_: ColumnType, value: Bound) -> str:
    return literal(float(value) if isinstance(type_, DoubleType) else value)  # type: ignore[arg-type]
