"""The flights are the ones that the facts speak of, and what the contract says."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from demo import flights
from headrace.contract.load import load_contract

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def events() -> list[bytes]:
    return list(flights.events())


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return flights.table()


def test_none_is_missing_and_each_has_its_own_id(events: list[bytes]) -> None:
    # The id stands first in each event, and ends before the first comma.
    assert len(events) == flights.FLIGHTS
    assert len({event.partition(b",")[0] for event in events}) == flights.FLIGHTS
    assert sum(b'"cancelled":true' in event for event in events) == flights.CANCELLED
    assert sum(b'"tailnum":' not in event for event in events) == flights.WITHOUT_TAIL_NUMBER


def test_the_disorder_is_the_real_one(table: pa.Table) -> None:
    delays = table["dep_delay"].drop_null().to_numpy()

    assert np.percentile(delays, [50, 95, 99]).tolist() == [-2, 88, 191]
    assert delays.max() == 1301


def test_events_come_in_the_order_in_which_they_became_known(table: pa.Table) -> None:
    known = np.where(table["departure"].is_null(), table["scheduled"], table["departure"].fill_null(0))

    assert (np.diff(known) >= 0).all()
    assert (np.diff(table["scheduled"].to_numpy()) < 0).sum() > 100_000


def test_the_event_time_is_the_scheduled_time_of_new_york_as_an_instant(table: pa.Table) -> None:
    names = ("year", "month", "day", "sched_dep_time", "scheduled")
    sample = table.take(np.arange(0, flights.FLIGHTS, 50))
    for year, month, day, hhmm, scheduled in zip(*(sample[n].to_pylist() for n in names), strict=True):
        local = datetime(year, month, day, hhmm // 100, hhmm % 100, tzinfo=NEW_YORK)
        assert local.timestamp() == scheduled


def test_a_flight_and_a_cancelled_one(events: list[bytes]) -> None:
    flown = next(e for e in events if e.startswith(b'{"flight_id":"2013-01-01-UA-1545-EWR"'))
    cancelled = next(e for e in events if e.startswith(b'{"flight_id":"2013-01-01-B6-125-JFK"'))

    assert json.loads(flown) == {
        "flight_id": "2013-01-01-UA-1545-EWR",
        "flight_date": "2013-01-01",
        "carrier": "UA",
        "flight_number": 1545,
        "tailnum": "N14228",
        "origin": "EWR",
        "dest": "IAH",
        "scheduled_departure": "2013-01-01T10:15:00Z",
        "departure": "2013-01-01T10:17:00Z",
        "dep_delay": 2,
        "sched_arr_time": 819,
        "arr_time": 830,
        "arr_delay": 11,
        "air_time": 227,
        "distance": 1400,
        "distance_km": 2253.1,
        "ground_speed_mph": 1400 / (227 / 60),
        "cancelled": False,
    }
    assert json.loads(cancelled) == {
        "flight_id": "2013-01-01-B6-125-JFK",
        "flight_date": "2013-01-01",
        "carrier": "B6",
        "flight_number": 125,
        "tailnum": "N618JB",
        "origin": "JFK",
        "dest": "FLL",
        "scheduled_departure": "2013-01-01T11:00:00Z",
        "sched_arr_time": 901,
        "distance": 1069,
        "distance_km": 1720.4,
        "cancelled": True,
    }


def test_every_field_is_a_column_in_the_contracts_order(events: list[bytes]) -> None:
    contract = load_contract("flights")
    columns = [c.name for c in contract.columns]
    required = {c.name for c in contract.columns if c.required}
    seen: set[str] = set()
    for event in events[::100]:
        names = list(json.loads(event))
        assert names == [c for c in columns if c in names]
        assert required <= set(names)
        seen.update(names)

    assert seen == set(columns)


def test_kilometres_are_rounded_half_up() -> None:
    for miles in (17, 80, 1400, 4983):
        exact = Decimal(miles) * Decimal("1.609344")
        assert Decimal(flights._kilometres(miles)) == exact.quantize(Decimal("0.1"), "ROUND_HALF_UP")
    assert flights._kilometres(15625) == "25146.0"


def test_the_file_has_a_line_an_event(events: list[bytes], tmp_path: Path) -> None:
    file = tmp_path / "flights.jsonl"

    assert flights.write(file) == flights.FLIGHTS
    with file.open("rb") as lines:
        assert list(islice(lines, 3)) == [e + b"\n" for e in events[:3]]
        assert sum(1 for _ in lines) == flights.FLIGHTS - 3
