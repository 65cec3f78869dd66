"""The values of a rule: their SQL, their kind, and for exact numbers how many digits they can have.

Flink is silent where types do not match: it compares a string with a number by casting, ``INT + 1`` overflows
silently, and a decimal of more than 38 digits loses its scale or becomes NULL. Each step here either keeps
the value exact or refuses the rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headrace.contract.column_type import Bits, ColumnType, TypeVisitor
from headrace.contract.sql import identifier
from headrace.contract.types import MAX_PRECISION

ALLOWED = (
    "allowed are comparisons, AND OR NOT, IN, BETWEEN, LIKE, IS NULL, CASE WHEN, + - *, COALESCE, ABS,"
    " CHAR_LENGTH, UPPER, LOWER, TRIM, literals and intervals"
)


ValueKind = Literal[
    "string", "integer", "decimal", "double", "boolean", "date", "timestamp", "interval", "binary"
]
"""The kind of a value in a rule."""
INTEGER_DIGITS: dict[Bits, int] = {32: 10, 64: 19}
"""How many digits an integer can have, by its bits."""


class RefusalError(ValueError):
    """A rule or a pattern that is refused, with what to do about it."""

    def __init__(self, what: str, remedy: str = ALLOWED) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(what)


@dataclass(frozen=True)
class Typed:
    """A rendered expression and what is known about its value; ``digits`` bounds exact numbers."""

    sql: str
    kind: ValueKind
    digits: int = 0
    scale: int = 0
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name or self.sql} ({self.kind})"


NUMERIC: tuple[ValueKind, ...] = ("integer", "decimal", "double")


def typed_column(name: str, column_type: ColumnType) -> Typed:
    """A column as a rule's value."""
    return column_type.accept(_OfColumn(name))


class _OfColumn(TypeVisitor[Typed]):
    def __init__(self, name: str) -> None:
        self.name = name

    def _typed(self, kind: ValueKind, digits: int = 0, scale: int = 0) -> Typed:
        return Typed(identifier(self.name), kind, digits, scale, self.name)

    def string(self) -> Typed:
        return self._typed("string")

    def integer(self, bits: Bits) -> Typed:
        return self._typed("integer", INTEGER_DIGITS[bits])

    def decimal(self, precision: int, scale: int) -> Typed:
        return self._typed("decimal", precision, scale)

    def double(self) -> Typed:
        return self._typed("double")

    def boolean(self) -> Typed:
        return self._typed("boolean")

    def date(self) -> Typed:
        return self._typed("date")

    def timestamp(self, scale: int) -> Typed:
        return self._typed("timestamp", 0, scale)

    def binary(self) -> Typed:
        return self._typed("binary")


def check_number(value: Typed, user: str) -> None:
    """Refuse a value that is not a number."""
    if value.kind not in NUMERIC:
        raise RefusalError(f"{user} needs a number, not {value}")


def comparable(left: Typed, right: Typed) -> None:
    """Refuse to compare two values where Flink would cast one of them."""
    if (left.kind in NUMERIC and right.kind in NUMERIC) or (left.kind == right.kind != "interval"):
        return
    moments = {"date": "DATE '2013-12-31'", "timestamp": "TIMESTAMP '2013-12-31 23:59:59'"}
    hint = next((moments[s.kind] for s in (left, right) if s.kind in moments), "")
    raise RefusalError(
        f"{left} is compared with {right}: Flink would cast one of them silently",
        f"compare values of one type{': write ' + hint if hint else ''}",
    )


def common(values: list[Typed], user: str) -> Typed:
    """The type that can hold all the values."""
    first = values[0]
    for other in values[1:]:
        if {first.kind, other.kind} <= set(NUMERIC):
            kind = max(first.kind, other.kind, key=NUMERIC.index)
            scale = max(first.scale, other.scale)
            digits = max(first.digits - first.scale, other.digits - other.scale) + scale
            first = _fitting(Typed("", kind, digits, scale), user)
        elif first.kind != other.kind:
            raise RefusalError(f"{user} mixes {first} and {other}", "give all its values one type")
    return first


def exact(sql: str, digits: int, scale: int, name: str) -> Typed:
    """A decimal of at most that many digits; ``name`` is the text that its author wrote."""
    return _fitting(Typed(sql, "decimal", digits, scale, name), name)


def _fitting(value: Typed, user: str) -> Typed:
    # Beyond 38 digits, Flink rounds the scale away or returns NULL, and a rule that is NULL passes.
    if value.kind != "double" and value.digits > MAX_PRECISION:
        raise RefusalError(f"{user} may need over {MAX_PRECISION} digits", "use columns of fewer digits")
    return value


def wide(value: Typed) -> Typed:
    """Integers as decimals that can hold them all, so that nothing overflows."""
    if value.kind != "integer":
        return value
    return Typed(
        f"CAST({value.sql} AS DECIMAL({value.digits}, 0))",
        "decimal",
        value.digits,
        0,
        value.name or value.sql,
    )


def calculated(sign: str, left: Typed, right: Typed) -> Typed:
    """The result of an operator, by Flink's own rules for the digits of decimals."""
    sql, name = f"({left.sql} {sign} {right.sql})", f"{left.name} {sign} {right.name}"
    if "double" in (left.kind, right.kind):
        return Typed(sql, "double", name=name)
    if sign == "*":
        scale = left.scale + right.scale
        return exact(sql, left.digits + right.digits + (1 if scale else 0), scale, name)
    scale = max(left.scale, right.scale)
    return exact(sql, max(left.digits - left.scale, right.digits - right.scale) + scale + 1, scale, name)
