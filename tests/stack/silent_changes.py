"""Records of the events contract that plain Flink JSON silently changes or drops, and good ones."""

from __future__ import annotations

_FIELDS = {"id": "7", "at": '"2026-01-01T00:00:07Z"', "amount": "1.25"}


def _record(*, without: str = "", **texts: str) -> bytes:
    """A document of these JSON texts; a good one where nothing is given."""
    fields = {name: text for name, text in (_FIELDS | texts).items() if name != without}
    return ("{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}").encode()


GOOD = _record()
ROUNDED = _record(amount="1.239")
TRUNCATED = GOOD[:-6]

JUDGED: tuple[tuple[bytes, str | None], ...] = (
    (GOOD, None),
    (ROUNDED, "decimal_scale"),
    (_record(amount="123456.5"), "decimal_overflow"),
    (_record(amount='"1.25"'), None),
    (_record(amount='"a lot"'), "bad_decimal"),
    (TRUNCATED, "malformed_json"),
    (_record(id="7.9"), "not_an_integer"),
    (_record(id='"7"'), "wrong_type"),
    (_record(at='"2026-01-01T00:00:07.1234567Z"'), "timestamp_precision"),
    (GOOD[:-1] + b', "amount": 2.5}', "duplicate_field"),
    (b'{"id": 8, ' + GOOD[1:], "duplicate_field"),
    (GOOD + b" caf\xe9", "trailing_data"),  # Latin-1: bytes that went through a text would not come back
    (b"\xef\xbb\xbf" + GOOD, "byte_order_mark"),
    (_record(without="id"), "required_missing"),
    (_record(amount="null"), None),
    (GOOD, None),
)
"""Payloads in the order in which they are sent, and the reason that quarantine must give, None for good ones.

The last one is good: that a record vanished shows only where a later one is read.
"""

PAYLOADS = tuple(payload for payload, _ in JUDGED)
