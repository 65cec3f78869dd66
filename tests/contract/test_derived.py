"""What only the contracts of derive jobs say, and those of the topics that they read as versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from headrace.contract.load import examine, load, load_topic
from headrace.contract.model import Counts
from headrace.errors import UsageError

ROOT = Path(__file__).parents[2]
BOTH = "unboundedState\n    value: x\n  - property: stateTtl\n    value: P1D\n  - property: latePolicy"
Problems = Callable[[str, str, str], list[str]]


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """What is wrong with one of the project's contracts once a text in it is another one."""

    def refusals(name: str, old: str, new: str) -> list[str]:
        text = (ROOT / "contracts" / f"{name}.odcs.yaml").read_text()
        assert old in text
        path = tmp_path / f"{name}.odcs.yaml"
        path.write_text(text.replace(old, new))
        return [e.what for e in examine(path)[1]]

    return refusals


def test_a_topic_of_versions() -> None:
    weather = load(ROOT / "contracts" / "weather.odcs.yaml")
    assert weather.version_of == ("origin",)
    assert weather.idle_after == timedelta(seconds=30)
    assert weather.max_drift == timedelta(days=7)


def test_a_derived_table_has_no_topic() -> None:
    assert load_topic("weather").topic == "weather"
    with pytest.raises(UsageError, match="aircraft_rotation is a derived table: it has no topic"):
        load_topic("aircraft_rotation")


def test_a_horizon() -> None:
    rotation = load(ROOT / "contracts" / "aircraft_rotation.odcs.yaml")
    assert rotation.horizon == timedelta(days=3)
    assert (rotation.state_ttl, rotation.unbounded_state) == (None, "")


def test_what_a_table_counts() -> None:
    hourly = load(ROOT / "contracts" / "departures_hourly.odcs.yaml")
    assert hourly.counts == Counts("scheduled", "departure_hour", timedelta(hours=1))
    retries = load(ROOT / "contracts" / "flights_retries.odcs.yaml")
    assert retries.counts == Counts(None, "scheduled_departure")


@pytest.mark.parametrize(
    ("name", "old", "new", "what"),
    [
        (
            "weather",
            "value: origin",
            "value: wind_gust",
            "versionOf wind_gust is not required",
        ),
        (
            "weather",
            "value: origin",
            "value: orgin",
            "versionOf orgin is not a column",
        ),
        (
            "weather",
            "property: eventTime",
            "property: kept\n    vendor: another",
            "versionOf without eventTime: nothing says which version is newer",
        ),
        (
            "aircraft_rotation",
            "property: horizon",
            "property: idleAfter",
            "idleAfter has no meaning for a derived table",
        ),
        (
            "weather",
            "property: maxDrift",
            "property: horizon",
            "horizon has no meaning for a topic's contract",
        ),
        (
            "aircraft_rotation",
            "property: latePolicy",
            "property: unboundedState\n    value: ''\n  - property: latePolicy",
            "unboundedState is not a reason",
        ),
        (
            "aircraft_rotation",
            "property: latePolicy",
            f"property: {BOTH}",
            "state with a stateTtl is bounded",
        ),
        (
            "departures_hourly",
            "value: scheduled #",
            "value: sheduled #",
            "counts sheduled is not a column",
        ),
        (
            "departures_hourly",
            "value: scheduled #",
            "value: worst_delay #",
            "counts worst_delay is not required, and a integer(32)",
        ),
        (
            "departures_hourly",
            "value: scheduled #",
            "value: origin #",
            "counts origin is a string",
        ),
        (
            "departures_hourly",
            "name: scheduled",
            "name: rows",
            "counts scheduled is not a column",
        ),
        (
            "flights_retries",
            "name: at_offset",
            "name: rows",
            "counts rows means each row, but there is a column with that name",
        ),
        (
            "departures_hourly",
            "property: eventTime",
            "property: kept\n    vendor: another",
            "counts without eventTime: nothing says which rows it counts",
        ),
        (
            "departures_hourly",
            "value: departure_hour",
            "value: scheduled",
            "eventTime scheduled is a integer(64)",
        ),
        (
            "departures_hourly",
            "value: PT1H",
            "value: PT0S",
            "the window has no length",
        ),
        (
            "departures_hourly",
            "property: counts",
            "property: kept\n    vendor: another",
            "window has no meaning for a derived table that does not say what it counts",
        ),
        (
            "flights",
            "property: maxFuture",
            "property: window",
            "window has no meaning for a topic's contract",
        ),
    ],
)
def test_what_is_refused(problems: Problems, name: str, old: str, new: str, what: str) -> None:
    assert what in problems(name, old, new)
