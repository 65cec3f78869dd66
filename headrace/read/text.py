"""Values that were read, as JSON and as text that is safe on a terminal."""

from __future__ import annotations

import base64
import datetime as dt
import math
from decimal import Decimal
from typing import Any


def to_json(value: Any) -> Any:
    """A value for JSON: ISO times (with their zone), exact decimals as text, bytes as base64."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (dict, list, tuple)):
        return _nested_to_json(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _nested_to_json(value: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> Any:
    if isinstance(value, dict):
        return {str(k): to_json(v) for k, v in value.items()}
    if hasattr(value, "_fields"):  # a named tuple is one value
        return str(value)
    return [to_json(v) for v in value]


def to_text(value: Any) -> str:
    """A value as one safe line: whatever could move a terminal's cursor is escaped."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return readable(value)
    return escaped(value if isinstance(value, str) else str(to_json(value)))


def readable(raw: bytes) -> str:
    """Bytes as escaped text where they are UTF-8, else as hexadecimal digits after ``0x``."""
    try:
        return escaped(raw.decode())
    except UnicodeDecodeError:
        return f"0x{raw.hex()}"


def escaped(text: str) -> str:
    """Text with everything unprintable, and the backslash, written as Python would write it."""
    return "".join(c if c.isprintable() and c != "\\" else repr(c)[1:-1] for c in text)
