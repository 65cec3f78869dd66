"""Text for SQL statements. Identifiers and literals are rendered here and nowhere else."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

Value = str | int | float | Decimal | bool | date | datetime | timedelta

MAX_INTERVAL = timedelta(days=99, hours=23, minutes=59, seconds=59)
"""Flink's parser takes two digits of days; ``DAY(4)`` is refused by its type system."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_MS = (datetime.min.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(milliseconds=1)
_LAST_MS = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(milliseconds=1)


def identifier(name: str) -> str:
    """A name in backticks, whatever it contains."""
    return "`" + name.replace("`", "``") + "`"


def literal(value: Value) -> str:
    """A value as Flink SQL. Timestamps are in UTC, like the session's time zone.

    A backslash is an ordinary character in Flink's strings; only the quote is doubled.
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, float):
        return f"{value!r}E0" if "e" not in repr(value) else repr(value).upper()
    if isinstance(value, (int, Decimal)):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    return _interval(value) if isinstance(value, timedelta) else _moment(value)


def instant(ms: int) -> datetime:
    """Milliseconds since 1970 as a datetime; a time outside Python's calendar becomes its first or last."""
    return _EPOCH + timedelta(milliseconds=min(max(ms, _FIRST_MS), _LAST_MS))


def instant_literal(ms: int) -> str:
    """Milliseconds since 1970 as a TIMESTAMP_LTZ(3): a comparison with another one needs no cast."""
    moment = instant(ms).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return f"CAST(TIMESTAMP '{moment}' AS TIMESTAMP_LTZ(3))"


def milliseconds(value: timedelta) -> str:
    """A duration as Flink's options take it."""
    return f"{value // timedelta(milliseconds=1)} ms"


def _moment(value: date) -> str:
    if isinstance(value, datetime):
        # Flink has no literal for TIMESTAMP_LTZ; the cast is folded when the job is compiled.
        moment = value.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
        return f"CAST(TIMESTAMP '{moment}' AS TIMESTAMP_LTZ(6))"
    return f"DATE '{value.isoformat()}'"


def _interval(value: timedelta) -> str:
    if not timedelta(0) <= value <= MAX_INTERVAL:
        raise ValueError(f"{value} is not an interval from 0 to {MAX_INTERVAL}")
    if value == timedelta(days=value.days):
        return f"INTERVAL '{value.days}' DAY"
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = f"{hours:02}:{minutes:02}:{seconds:02}.{value.microseconds // 1000:03}"
    return f"INTERVAL '{value.days} {clock}' DAY TO SECOND(3)"
