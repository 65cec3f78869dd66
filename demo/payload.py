"""One good flight as JSON text, and what it takes to break it in exactly one place."""

from __future__ import annotations

from dataclasses import dataclass

_GOOD = {
    "flight_id": '"2013-06-01-ZZ-77-JFK"',  # no airline is called ZZ, so these records are easily told apart
    "flight_date": '"2013-06-01"',
    "carrier": '"ZZ"',
    "flight_number": "77",
    "tailnum": '"N14228"',
    "origin": '"JFK"',
    "dest": '"IAH"',
    "scheduled_departure": '"2013-06-01T12:00:00Z"',
    "departure": '"2013-06-01T12:02:00Z"',
    "dep_delay": "2",
    "sched_arr_time": "819",
    "arr_time": "830",
    "arr_delay": "11",
    "air_time": "227",
    "distance": "1400",
    "distance_km": "2253.1",
    "ground_speed_mph": "370.0",
    "cancelled": "false",
}

OUTCOME = ("departure", "dep_delay", "arr_time", "arr_delay", "air_time", "ground_speed_mph")
"""What a cancelled flight does not have."""


@dataclass(frozen=True)
class Broken:
    """A record that must end in quarantine.

    Args:
        kind: the family of mistakes that it belongs to.
        payload: the record's value; None is a tombstone.
        reason: the code that quarantine must give.
        field: the column that quarantine must name, if any.
        why: how it happens, or what becomes of it where nobody looks.
        rule: the promise that quarantine must name, if it is one of the contract's.
    """

    kind: str
    payload: bytes | None
    reason: str
    field: str | None
    why: str
    rule: str | None = None


def good(*without: str, **changed: str) -> bytes:
    """The good flight without some fields, and with JSON text in the place of others (new ones last)."""
    fields = {name: text for name, text in (_GOOD | changed).items() if name not in without}
    return ("{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}").encode()
