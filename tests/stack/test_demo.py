"""The demo on the run's stack: all flights and all broken records, and then the README's tour."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from demo.__main__ import _pipeline
from demo.broken import BROKEN, by_reason
from demo.flights import FLIGHTS
from headrace.operate import Workspace
from headrace.read.tables import open_table
from headrace.storage.warehouse import connect
from tests.stack.pasted import commands, paste
from tests.stack_fixtures import Stack

ROOT = Path(__file__).parents[2]
HOURLY = (
    "origin",
    "departure_hour",
    "scheduled",
    "cancelled",
    "on_time",
    "late",
    "very_late",
    "mean_delay",
    "worst_delay",
)
BY_HOUR = """
SELECT origin, date_trunc('hour', scheduled_departure) AS departure_hour,
  count(*), count(*) FILTER (cancelled), count(*) FILTER (dep_delay <= 15),
  count(*) FILTER (dep_delay BETWEEN 16 AND 59),
  count(*) FILTER (dep_delay >= 60), sum(dep_delay)::DOUBLE / count(dep_delay), max(dep_delay)
FROM flights GROUP BY ALL
"""
NOT_HERE = ("source .venv", "headrace stack down")
"""Lines of the tour that are for a shell outside of the run, or would end the run's stack."""


@pytest.fixture(scope="module")
def summary(stack: Stack) -> dict[str, Any]:
    """What `make demo` would print."""
    return _pipeline(Workspace(stack.settings))


def test_every_flight_is_in_the_table_and_every_broken_record_in_quarantine(summary: dict[str, Any]) -> None:
    assert summary["topic"]["records"] == FLIGHTS + len(BROKEN)
    assert summary["published"]["rows"] == FLIGHTS
    assert summary["quarantined"]["rows"] == len(BROKEN)


def test_batches_were_published_while_the_job_ran(summary: dict[str, Any]) -> None:
    assert summary["published"]["batches"] > 1


def test_every_broken_record_has_its_expected_reason(summary: dict[str, Any]) -> None:
    assert summary["quarantined"]["by_reason"] == dict(by_reason())


def test_the_tables_are_proved_against_kafka(summary: dict[str, Any]) -> None:
    assert summary["verified"]["verdict"] == "proved"


def test_the_derived_table_is_proved_too(summary: dict[str, Any]) -> None:
    assert summary["derived"]["verified"]["verdict"] == "proved"
    assert f"each of {FLIGHTS:,} rows read" in summary["derived"]["verified"]["sentence"]


def test_the_frontier_is_the_end_of_the_topic(summary: dict[str, Any]) -> None:
    assert sum(summary["frontier"].values()) == FLIGHTS + len(BROKEN)


def test_the_derived_table_equals_the_result_of_another_engine(summary: dict[str, Any], stack: Stack) -> None:
    warehouse = connect(stack.settings.store)
    flights, hourly = open_table(warehouse, "flights"), open_table(warehouse, "departures_hourly")
    assert flights is not None
    assert hourly is not None
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.register("flights", flights.to_pyarrow_table())
        engine.register("hourly", hourly.to_pyarrow_table(columns=[*HOURLY]))
        engine.execute(f"CREATE TABLE expected AS {BY_HOUR}")
        wrong = engine.execute("FROM hourly EXCEPT FROM expected").fetchall()
        unaccounted = engine.execute("FROM expected EXCEPT FROM hourly ORDER BY departure_hour").fetchall()
    assert wrong == []
    assert summary["derived"]["rows"] == hourly.to_pyarrow_table().num_rows > 19_000
    assert summary["derived"]["written"] > summary["derived"]["rows"], (
        "hours are published again where rows are late"
    )
    # What the watermark, three hours behind, has not passed yet.
    assert all(row[1].date() >= date(2013, 12, 31) for row in unaccounted), unaccounted[:3]


def test_the_tour_of_the_readme_pasted_as_one_block(summary: dict[str, Any], stack: Stack) -> None:
    assert summary
    tour = re.search(r"<!-- tour.*?```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert tour
    block = "\n".join(line for line in tour[1].splitlines() if not line.startswith(NOT_HERE))
    typed = commands(block)
    assert len(typed) >= 18

    shell = paste(block, {**os.environ, **stack.environment, "HEADRACE_PROJECT": str(ROOT)}, ROOT)

    assert shell.failed() == [], shell.output[-6000:]
    assert [command for command, _ in shell.shown] == typed
    assert shell.silent() == []
