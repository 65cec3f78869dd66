"""The demo's own road on the run's stack: all flights and all broken records, and then the README's tour."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from stack_fixtures import Stack

from demo.__main__ import _road
from demo.broken import BROKEN, by_reason
from demo.flights import FLIGHTS

ROOT = Path(__file__).parents[2]
NOT_HERE = ("source .venv", "headrace stack up", "headrace stack down", "eval ")
"""Lines of the tour that start or stop the stack, which the run's fixture does."""


@pytest.fixture(scope="module")
def summary(stack: Stack) -> dict[str, Any]:
    """What `make demo` would print."""
    return _road(stack.settings)


def test_every_flight_is_in_the_table_and_every_broken_record_in_quarantine(summary: dict[str, Any]) -> None:
    assert summary["topic"]["records"] == FLIGHTS + len(BROKEN)
    assert summary["published"]["rows"] == FLIGHTS
    assert summary["quarantined"]["rows"] == len(BROKEN)


def test_every_broken_record_has_its_expected_reason(summary: dict[str, Any]) -> None:
    assert summary["quarantined"]["by_reason"] == dict(by_reason())


def test_kafka_itself_proves_the_tables(summary: dict[str, Any]) -> None:
    assert summary["verified"]["verdict"] == "proved"


def test_the_frontier_is_the_end_of_the_topic(summary: dict[str, Any]) -> None:
    assert sum(summary["frontier"].values()) == FLIGHTS + len(BROKEN)


def test_the_tour_of_the_readme_runs(summary: dict[str, Any], stack: Stack) -> None:
    assert summary
    tour = re.search(r"<!-- tour.*?```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert tour
    commands = [c for c in tour[1].splitlines() if c and not c.startswith(NOT_HERE)]
    assert len(commands) >= 8
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command],
            env={**os.environ, **stack.environment, "HEADRACE_PROJECT": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
