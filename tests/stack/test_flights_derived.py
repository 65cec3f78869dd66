"""The project's own derive jobs on flights in disorder: what is published is what DuckDB computes.

Four days of flights in the order of their departures, shuffled once more, with retries and
contradictions among them; weather and aircraft out of order too. The reference: the published table.
"""

from __future__ import annotations

import functools
import json
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from demo import dimensions
from demo.flights import events
from headrace.read.tables import open_table
from tests.stack.road import BY_HAND, Road
from tests.stack.waiting import until
from udfs.delays import classified
from udfs.distances import miles
from udfs.tails import NotATailNumber, normal_form

ROOT = Path(__file__).parents[2]

MakeRoad = Callable[..., Road]
Rows = list[tuple[Any, ...]]

BEGIN = datetime(2013, 1, 1, tzinfo=timezone.utc)
END = BEGIN + timedelta(days=4)
CLOSED = END + timedelta(days=1, hours=-3)
"""Event time behind the flights that close all others, by the watermark's delay."""
CLOSING = END + timedelta(days=2)
"""Behind the flights that close the others: those of a job that waits for nothing are in its result too."""
JOBS = ("flights_enriched", "aircraft_rotation", "flights_deduplicated", "flights_measured")
IN_TIME = """
CREATE OR REPLACE VIEW flights AS SELECT * FROM ingested
WHERE scheduled_departure < '{end}' AND (_partition, _offset) NOT IN (SELECT (_partition, _offset) FROM late)
"""
VERSIONS = "CREATE TABLE {name} AS SELECT * REPLACE ({at}::TIMESTAMPTZ AS {at}) FROM sent"
ENRICHED = """
SELECT f.flight_id, f.scheduled_departure, w.observed_at, w.temp, w.wind_gust, p.manufacturer, p.year
FROM flights f
ASOF LEFT JOIN weather w ON f.origin = w.origin AND f.scheduled_departure >= w.observed_at
ASOF LEFT JOIN planes p ON f.tailnum = p.tailnum AND f.scheduled_departure >= p.valid_from
"""
ROTATION = """
SELECT flight_id, arrived_as, arrival_delay, dep_delay, minutes FROM (
  SELECT *, lag(flight_id) OVER aircraft AS arrived_as, lag(arr_delay) OVER aircraft AS arrival_delay,
    date_diff('minute', lag(scheduled_departure) OVER aircraft, scheduled_departure) AS minutes
  FROM flights WHERE tailnum IS NOT NULL AND dep_delay IS NOT NULL
  WINDOW aircraft AS (PARTITION BY tailnum ORDER BY scheduled_departure, flight_id, _partition, _offset)
) WHERE minutes < 3 * 24 * 60
"""
COMPARED = """
WITH flight AS (
  SELECT _partition AS p, _offset AS o, flight_id, scheduled_departure AS at, row({columns})::VARCHAR AS body
  FROM flights
), before AS (
  SELECT t.p, t.o, t.body, min_by(e.body, (e.at, e.p, e.o)) AS first_body
  FROM flight t LEFT JOIN flight e ON e.flight_id = t.flight_id AND e.at >= t.at - INTERVAL 1 HOUR
    AND (e.at, e.p, e.o) < (t.at, t.p, t.o)
  GROUP BY ALL
)
SELECT p, o, CASE WHEN first_body IS NULL THEN 'flights_deduplicated'
  WHEN first_body = body THEN 'flights_retries' ELSE 'flights_conflicts' END AS home
FROM before
"""


def disordered(seed: int) -> list[bytes]:
    """Flights in the order of their departures, up to 20 places later; some twice, some contradicted."""
    chance = random.Random(seed)  # noqa: S311 - the same disorder in every run
    sent: list[tuple[float, bytes]] = []
    for number, event in enumerate(events()):
        flight = json.loads(event)
        scheduled = datetime.fromisoformat(flight["scheduled_departure"].replace("Z", "+00:00"))
        if scheduled >= END:
            if number > 10_000:
                break
            continue
        at = number + chance.uniform(0, 20)
        sent.append((at, event))
        if number % 20 == 0:
            sent.append((at + chance.uniform(0, 5), event))
        if number % 50 == 0 and "arr_delay" in flight:
            sent.append((at + 5, json.dumps({**flight, "arr_delay": flight["arr_delay"] + 1}).encode()))
    return [event for _, event in sorted(sent)]


def close(at: datetime) -> list[bytes]:
    """A flight long after, for each of two partitions: what was before it is complete."""
    first = json.loads(next(events()))
    when = at.isoformat().replace("+00:00", "Z")
    return [
        json.dumps({**first, "flight_id": f"2013-12-31-UA-{n}-EWR", "scheduled_departure": when}).encode()
        for n in (1, 2)
    ]


def observed() -> Iterator[bytes]:
    """Four days of weather, neighbours exchanged, and what closes them."""
    chance = random.Random(0)  # noqa: S311 - as above
    rows = [r for r in dimensions.weather() if r["observed_at"] < END]
    rows.sort(key=lambda r: r["observed_at"] + timedelta(minutes=chance.uniform(0, 115)))
    yield from dimensions.events(iter(rows))
    for _ in range(2):
        yield from dimensions.events(iter([{"origin": "EWR", "observed_at": END + timedelta(days=2)}]))


def registered() -> Iterator[bytes]:
    """Each aircraft, and for some a correction that holds from the first evening on and is sent first."""
    for number, row in enumerate(dimensions.planes()):
        if number % 10 == 0:
            yield from dimensions.events(
                iter([{**row, "manufacturer": "CORRECTED", "valid_from": BEGIN + timedelta(hours=20)}])
            )
        yield from dimensions.events(iter([row]))


@pytest.fixture
def make_flights(make_road: MakeRoad) -> MakeRoad:
    """Roads with weather and aircraft in their topics, and flights in their topic and published table."""

    def make(**options: Any) -> Road:
        road = make_road(project=ROOT, job="flights_enriched", **options)
        spread(road, list(observed()), "weather")
        road.send(registered(), topic="planes")
        return road

    return make


def spread(road: Road, payloads: list[bytes], topic: str = "") -> None:
    for partition in range(road.partitions):
        road.send(payloads[partition :: road.partitions], partition=partition, topic=topic)


def ingested(road: Road, records: int) -> None:
    ingest = road.beside("flights")
    job = ingest.submit()
    ingest.settle(job, claim=1)
    ingest.publish_until(records)
    road.cancel(job)


def arrow(road: Road, name: str) -> pa.Table:
    table = open_table(road.warehouse, name)
    assert table is not None, name
    return table.to_pyarrow_table()


def reference(road: Road) -> dict[str, Rows]:
    """Each table by DuckDB, from the published flights without the late rows of its job."""
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.register("ingested", arrow(road, "flights"))
        for name, rows, at in (
            ("weather", observed(), "observed_at"),
            ("planes", registered(), "valid_from"),
        ):
            engine.register("sent", pa.Table.from_pylist([json.loads(r) for r in rows]))
            engine.execute(VERSIONS.format(name=name, at=at))

        def computed(job: str, sql: str, end: datetime = END) -> Rows:
            engine.register("late", arrow(road, f"{job}__late"))
            engine.execute(IN_TIME.format(end=end))
            return engine.execute(sql).fetchall()

        columns = ", ".join(c.name for c in road.beside("flights").contract.columns)
        homes = computed("flights_deduplicated", COMPARED.format(columns=columns))
        return {
            "flights_enriched": in_order(computed("flights_enriched", ENRICHED)),
            "aircraft_rotation": in_order(computed("aircraft_rotation", ROTATION)),
            **{name: in_order([row[:2] for row in homes if row[2] == name]) for name in HOMES},
            "flights_measured": in_order(map(measured, computed("flights_measured", MEASURED, CLOSING))),
            "flight_delays": in_order(
                (flight_id, *end)
                for flight_id, *delays in computed("flights_measured", DELAYS, CLOSING)
                for end in list(classified(*delays)) or [(None, None, None)]
            ),
        }


@functools.cache
def apart(origin: str, dest: str) -> float:
    """A batch of one takes a millisecond, and there are many flights but few pairs."""
    return float(miles(pd.Series([origin]), pd.Series([dest])).iloc[0])


def measured(flight: tuple[Any, ...]) -> tuple[Any, ...]:
    """By the functions themselves, without Flink."""
    flight_id, tailnum, origin, dest = flight
    great_circle = apart(origin, dest)
    circle = (None, "airport_unknown") if math.isnan(great_circle) else (round(great_circle, 6), None)
    try:
        return (flight_id, tailnum and normal_form(tailnum), None, *circle)
    except NotATailNumber:
        return (flight_id, None, "not_a_tail_number", *circle)


MEASURED = "SELECT flight_id, tailnum, origin, dest FROM flights"
DELAYS = "SELECT flight_id, dep_delay, arr_delay FROM flights"
COLUMNS = {
    "flights_enriched": (
        "flight_id", "scheduled_departure", "weather_observed_at", "temp", "wind_gust", "manufacturer",
        "built",
    ),
    "aircraft_rotation": ("flight_id", "arrived_as", "arrival_delay", "dep_delay", "minutes_between"),
    "flights_measured": (
        "flight_id", "tail_number", "tail_number_reason", "great_circle", "great_circle_reason",
    ),
    "flight_delays": ("flight_id", "flight_end", "delay", "class"),
}  # fmt: skip
HOMES = ("flights_deduplicated", "flights_retries", "flights_conflicts")
HOMES_OF_ALL = {
    "flights_enriched": {"flights_enriched", "flights_enriched__late"},
    "flights_deduplicated": {*HOMES, "flights_deduplicated__late"},
    "flights_measured": {"flights_measured", "flights_measured__late"},
}
"""The tables in which each flight is once."""


def result(road: Road) -> dict[str, Rows]:
    """Each table as it is published."""
    columns = COLUMNS | dict.fromkeys(HOMES, ("at_partition", "at_offset"))
    return {name: in_order(road.rows(name, chosen)) for name, chosen in columns.items()}


def in_order(rows: Iterable[tuple[Any, ...]]) -> Rows:
    """Sorted, with moments in one zone: two that are equal are then written alike."""

    def plain(value: Any) -> Any:
        if isinstance(value, float):
            return round(value, 6)  # one at a time or by the batch, the last digit of a sine may differ
        return value.astimezone(timezone.utc) if isinstance(value, datetime) else value

    return sorted((tuple(map(plain, row)) for row in rows), key=repr)


def complete(road: Road, name: str, job: str, flights: int, claim: int) -> None:
    """Publish until every flight that was sent is in a table of the job, or late; or all was read."""
    derive = road.beside(name)
    if name == "aircraft_rotation":  # not a row for each flight
        derive.settle(job, claim, CLOSED.timestamp())
        derive.publish()
        return

    def all_published() -> bool:
        road.checkpoint(job)
        rows = derive.publish().head.rows
        return sum(n for table, n in rows.items() if table in HOMES_OF_ALL[name]) >= flights

    until(f"{flights} rows of {name}", all_published)
    # A batch may end at a checkpoint that was aborted: its files are committed with the next one's, and
    # verify, which has no `_metadata` of it, judges the batch before. So one more, which is complete.
    road.checkpoint(job)
    whole = int(road.checkpoints(job)["latest"]["completed"]["id"])
    until(f"checkpoint {whole} to be committed", lambda: derive.publish() and derive.sealed(whole))


def disturb(road: Road, jobs: Mapping[str, str]) -> None:
    """Kill each job's TaskManager, then stop it with a savepoint."""
    for job in jobs.values():
        until("a checkpoint", lambda j=job: road.checkpoints(j)["counts"]["completed"] > 0)
    road.stack.kill_taskmanager()
    road.stack.heal()
    for job in jobs.values():
        until("a restore", lambda j=job: road.checkpoints(j)["counts"]["restored"] > 0)
        road.running(job)
    for name, job in jobs.items():
        road.beside(name).stop(job)


def test_the_jobs_publish_the_result_of_a_batch(make_flights: MakeRoad) -> None:
    """The first half at parallelism 1, disturbed; the second half at parallelism 2, from what was saved."""
    road = make_flights(options=BY_HAND, parallelism=1)
    flights = [*disordered(seed=1), *close(END + timedelta(days=1))]
    half = len(flights) // 2
    spread(road, flights[:half])
    disturb(road, {name: road.beside(name).submit() for name in JOBS})
    spread(road, flights[half:])
    road.parallelism = 2
    for two in (JOBS[:2], JOBS[2:]):  # there are four slots
        jobs = {name: road.beside(name).submit() for name in two}
        for name, job in jobs.items():
            complete(road, name, job, len(flights) - 2, claim=2)
            road.cancel(job)
    ingested(road, len(flights))
    published, expected = result(road), reference(road)
    for name, rows in published.items():
        assert rows == expected[name], name
        assert len(rows) > 50, name
    for name in ("flights_enriched", "flights_deduplicated"):
        proof = road.beside(name).verified()
        late_ones = arrow(road, f"{name}__late").num_rows
        assert proof["rows"]["read"] == len(flights)
        assert proof["rows"]["late"] == late_ones
        assert proof["rows"]["waiting"] == 2, "the flights that close all before them"
    assert proof["counted_in"].keys() == {*HOMES}
    for table in HOMES[1:]:
        answer = json.loads(road.headrace("verify", table, "-o", "json"))
        assert (answer["table"], answer["verdict"]) == (table, "proved")
        assert answer["counted_in"][table] == len(published[table])
    for table in ("aircraft_rotation", "flight_delays", "flights_enriched__late_weather"):
        output = road.headrace("verify", table, expect=1)
        assert f"table {table} cannot be proved" in output
    for late in ("flights_enriched__late_weather", "flights_enriched__late_planes"):
        assert arrow(road, late).num_rows == 0
    assert any(row[5] == "CORRECTED" for row in published["flights_enriched"])
    assert {row[2] for row in published["flights_measured"]} == {None, "not_a_tail_number"}
