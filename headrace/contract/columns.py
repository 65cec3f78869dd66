"""Turns one property of the schema into a column, or into a list of problems."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from headrace.contract.column_type import (
    ColumnType,
    DateType,
    DecimalType,
    IntegerType,
    StringType,
    TimestampType,
)
from headrace.contract.document import Document, Path
from headrace.contract.model import Bound, Column
from headrace.contract.pattern import judge
from headrace.contract.standard import ENUM_VALUE, INSTEAD, OPTIONS, PROPERTY, check_keys, suggestion
from headrace.contract.typed import RefusalError
from headrace.contract.types import MAX_PRECISION, UnsupportedTypeError, column_type

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{6}|\.\d{3})?(\+\d{2}:\d{2}|-\d{2}:\d{2})")
_ENUM_OF: dict[type[ColumnType], type] = {StringType: str, IntegerType: int}
"""Types whose values a contract may list, and the YAML types of those values."""
_ENUM_IN_WORDS = {str: ("a string", "put it in quotes"), int: ("a whole number", "write a whole number")}


def read_column(document: Document, path: Path, raw: Mapping[str, Any]) -> Column | None:
    """The column, or None if its name or type is wrong; problems are recorded in the document."""
    check_keys(document, path, raw, PROPERTY)
    name = raw.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        what = f"{name!r} is not a column name" if name else "the column has no name"
        document.problem((*path, "name"), what, "use lower-case letters, digits and _; begin with a letter")
        return None
    try:
        type_ = column_type(raw.get("logicalType"), raw.get("physicalType"))
    except UnsupportedTypeError as e:
        document.problem((*path, e.key), f"column {name}: {e.what}", e.remedy)
        return None
    _refuse_other_meanings(document, path, raw, name)
    return _ColumnReader(document, path, name, type_).column(raw)


def _refuse_other_meanings(document: Document, path: Path, raw: Mapping[str, Any], name: str) -> None:
    """Refuse standard keys that have one harmless value and would be a broken promise with any other."""
    if raw.get("physicalName") not in (None, name):
        what = f"column {name}: physicalName differs from name"
        document.problem((*path, "physicalName"), what, "remove it: JSON field and column have one name")
    if raw.get("semanticType") not in (None, "column"):
        document.problem((*path, "semanticType"), f"column {name}: only columns are supported", "remove it")
    if str(raw.get("classification") or "public").lower() != "public":
        what = f"column {name}: protection of classified columns is not supported yet"
        document.problem((*path, "classification"), what, "do not send clear values to this topic")
    for i, quality in enumerate(raw.get("quality") or ()):
        if quality.get("type") != "text":
            what = f"column {name}: quality of a column is not supported"
            document.problem((*path, "quality", i), what, "write the rule under the schema's own quality")


class _ColumnReader:
    """Reads the parts of one column whose meaning depends on its type."""

    def __init__(self, document: Document, path: Path, name: str, type_: ColumnType) -> None:
        self.document, self.path, self.name, self.type = document, path, name, type_

    def column(self, raw: Mapping[str, Any]) -> Column:
        options = raw.get("logicalTypeOptions") or {}
        self._check_options(options)
        column = Column(
            name=self.name,
            type=self.type,
            required=bool(raw.get("required")),
            enum=self._enum(raw),
            pattern=self._pattern(options),
            minimum=self._bound(options, "minimum"),
            maximum=self._bound(options, "maximum"),
            min_length=self._length(options, "minLength"),
            max_length=self._length(options, "maxLength"),
            description=str(raw.get("description") or ""),
            line=self.document.line((*self.path, "name")),
        )
        self._check_order("minimum", column.minimum, column.maximum)
        self._check_order("minLength", column.min_length, column.max_length)
        return column

    def _note(self, key: Path, what: str, remedy: str) -> None:
        self.document.problem((*self.path, *key), f"column {self.name}: {what}", remedy)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        known = OPTIONS[type(self.type)]
        for key in options:
            if key in known or (
                key == "timezone" and options[key] is True and isinstance(self.type, TimestampType)
            ):
                continue
            remedy = INSTEAD.get(key) or (suggestion(key, known) if known else "remove it")
            self._note(("logicalTypeOptions", key), f"{key} is not supported for {self.type}", remedy)

    def _enum(self, raw: Mapping[str, Any]) -> tuple[str | int, ...]:
        entries = raw.get("enum")
        if entries is None:
            return ()
        wanted: Any = _ENUM_OF.get(type(self.type))
        if wanted is None or not entries:
            what = (
                "an enum needs at least one value" if wanted else f"an enum is not supported for {self.type}"
            )
            self._note(("enum",), what, "list the values" if wanted else "use a rule with IN (…)")
            return ()
        values: list[str | int] = []
        for i, entry in enumerate(entries):
            check_keys(self.document, (*self.path, "enum", i), entry, ENUM_VALUE)
            value: Any = entry.get("value")
            if type(value) is not wanted:
                what, remedy = _ENUM_IN_WORDS[wanted]
                self._note(("enum", i, "value"), f"enum value {value!r} is not {what}", remedy)
            elif value in values:
                self._note(("enum", i, "value"), f"enum value {value!r} appears twice", "remove one of them")
            else:
                values.append(value)
        return tuple(values)

    def _pattern(self, options: Mapping[str, Any]) -> str | None:
        text = options.get("pattern")
        if text is None or not isinstance(self.type, StringType):
            return None
        if not isinstance(text, str) or not text:
            self._note(("logicalTypeOptions", "pattern"), "the pattern is not a string", "put it in quotes")
            return None
        try:
            judge(text)
        except RefusalError as e:
            self._note(("logicalTypeOptions", "pattern"), f"pattern {text}: {e.what}", e.remedy)
            return None
        return text

    def _length(self, options: Mapping[str, Any], key: str) -> int | None:
        value = options.get(key)
        if value is None or not isinstance(self.type, StringType):
            return None
        if type(value) is not int or not 0 <= value < 2**31:
            self._note(
                ("logicalTypeOptions", key), f"{key} {value!r} is not a length", "write a whole number from 0"
            )
            return None
        return value

    def _bound(self, options: Mapping[str, Any], key: str) -> Bound | None:
        value = options.get(key)
        if value is None or key not in OPTIONS[type(self.type)]:
            return None
        try:
            return bound(self.type, value)
        except ValueError as e:
            self._note(("logicalTypeOptions", key), f"{key} {value} does not fit {self.type}", str(e))
            return None

    def _check_order(self, low_key: str, low: Any, high: Any) -> None:
        if low is not None and high is not None and low > high:
            what = f"{low_key} {low} is above the maximum {high}: no value can pass"
            self._note(("logicalTypeOptions", low_key), what, "swap them, or correct one")


def bound(type_: ColumnType, value: Any) -> Bound:
    """A minimum or maximum of that type.

    Raises:
        ValueError: the value does not fit the type; the message is the remedy.
    """
    if isinstance(type_, DateType):
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValueError("write a day in quotes, as in '2013-12-31'")
        return date.fromisoformat(value)
    if isinstance(type_, TimestampType):
        text = value.replace("Z", "+00:00") if isinstance(value, str) else ""
        if not _MOMENT.fullmatch(text):
            raise ValueError("write a timestamp with its zone in quotes, as in '2013-12-31T23:59:59Z'")
        return datetime.fromisoformat(text)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError("write a number without quotes")  # noqa: TRY004 - the value is wrong, not the call
    return _number(type_, Decimal(value))


def _number(type_: ColumnType, value: Decimal) -> Decimal:
    if isinstance(type_, IntegerType):
        edge = 2 ** (type_.bits - 1)
        if value != value.to_integral_value() or not -edge <= value < edge:
            raise ValueError(f"write a whole number from {-edge} to {edge - 1}")
    elif isinstance(type_, DecimalType):
        _, digits, exponent = value.as_tuple()
        if (
            not isinstance(exponent, int)
            or max(len(digits), len(digits) + exponent, -exponent) > MAX_PRECISION
        ):
            raise ValueError(f"write at most {MAX_PRECISION} digits")
    elif abs(float(value)) == float("inf"):
        raise ValueError("write a number that a double can hold")
    return value
