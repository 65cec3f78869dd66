"""Column types: a closed set of classes, and one visitor for everything that is rendered from them.

A type that contains others (an array, an object, a map) is an addition: a class here whose ``accept`` first
visits what it contains, and a method of :class:`TypeVisitor` that gets the results. Each renderer then does
not run, and does not pass the type check, until it has that method too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Bits = Literal[32, 64]
"""The two widths of integers."""
R = TypeVar("R")


class TypeVisitor(ABC, Generic[R]):
    """A computation over column types: one method for each class."""

    @abstractmethod
    def string(self) -> R:
        """The result for text."""

    @abstractmethod
    def integer(self, bits: Bits) -> R:
        """The result for whole numbers."""

    @abstractmethod
    def decimal(self, precision: int, scale: int) -> R:
        """The result for exact numbers."""

    @abstractmethod
    def double(self) -> R:
        """The result for binary floating-point numbers."""

    @abstractmethod
    def boolean(self) -> R:
        """The result for truth values."""

    @abstractmethod
    def date(self) -> R:
        """The result for days."""

    @abstractmethod
    def timestamp(self, scale: int) -> R:
        """The result for moments."""

    @abstractmethod
    def binary(self) -> R:
        """The result for bytes."""


class ColumnType(ABC):
    """The type of a column."""

    @abstractmethod
    def accept(self, visitor: TypeVisitor[R]) -> R:
        """The visitor's result for this type."""

    def __str__(self) -> str:
        return self.accept(_InWords())


@dataclass(frozen=True)
class StringType(ColumnType):
    """Text."""

    def accept(self, visitor: TypeVisitor[R]) -> R:
        """The visitor's result for text."""
        return visitor.string()


@dataclass(frozen=True)
class IntegerType(ColumnType):
    """Integers of 32 or 64 bits."""

    bits: Bits

    def accept(self, visitor: TypeVisitor[R]) -> R:
        """The visitor's result for whole numbers."""
        return visitor.integer(self.bits)


@dataclass(frozen=True)
class DecimalType(ColumnType):
    """Exact numbers.

    Args:
        precision: digits in all, 1 to 38.
        scale: digits after the point.
    """

    precision: int
    scale: int

    def accept(self, visitor: TypeVisitor[R]) -> R:
        """The visitor's result for exact numbers."""
        return visitor.decimal(self.precision, self.scale)


@dataclass(frozen=True)
class DoubleType(ColumnType):
    """Binary floating-point numbers of 64 bits."""

    def accept(self, visitor: TypeVisitor[R]) -> R:
        """The visitor's result for floating-point numbers."""
        return visitor.double()


@dataclass(frozen=True)
class BooleanType(ColumnType):
    """True or false."""

    def accept(self, visitor: TypeVisitor[R]) -> R:
        """The visitor's result for truth values."""
        return visitor.boolean()


@dataclass(frozen=True)
class DateType(ColumnType):
    """Days."""

    def accept(self, visitor: TypeVisitor[R]) -> R:
        """The visitor's result for days."""
        return visitor.date()


@dataclass(frozen=True)
class TimestampType(ColumnType):
    """Moments in UTC.

    Args:
        scale: digits of the second's fraction: 3 or 6.
    """

    scale: int

    def accept(self, visitor: TypeVisitor[R]) -> R:
        """The visitor's result for moments."""
        return visitor.timestamp(self.scale)


@dataclass(frozen=True)
class BinaryType(ColumnType):
    """Bytes. No contract has such a column; quarantine does."""

    def accept(self, visitor: TypeVisitor[R]) -> R:
        """The visitor's result for bytes."""
        return visitor.binary()


STRING, DOUBLE, BOOLEAN, DATE, BINARY = StringType(), DoubleType(), BooleanType(), DateType(), BinaryType()
INT, BIGINT = IntegerType(32), IntegerType(64)
MILLIS, MICROS = TimestampType(3), TimestampType(6)
"""Flink's own precision for time attributes and windows, and the finest that Delta keeps."""


class _InWords(TypeVisitor[str]):
    """For messages."""

    def string(self) -> str:
        return "string"

    def integer(self, bits: Bits) -> str:
        return f"integer({bits})"

    def decimal(self, precision: int, scale: int) -> str:
        return f"decimal({precision},{scale})"

    def double(self) -> str:
        return "double"

    def boolean(self) -> str:
        return "boolean"

    def date(self) -> str:
        return "date"

    def timestamp(self, scale: int) -> str:  # noqa: ARG002 - the scale concerns Flink only
        return "timestamp"

    def binary(self) -> str:
        return "binary"
