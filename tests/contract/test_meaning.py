"""What of a contract needs a new version, and what does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from headrace.contract.load import load
from headrace.contract.meaning import meaning
from headrace.contract.model import Contract

CONTRACTS = Path(__file__).parents[2] / "contracts"
FOR_PEOPLE = {
    "a column's description": ("IATA code of the airline.", "Who flies."),
    "the purpose": ("purpose: One event", "purpose: An event"),
    "the owner": ("name: flight-operations", "name: another-team"),
    "a comment, and the lines below it": ("id: flights\n", "# for people\nid: flights\n"),
    "how many partitions the topic has": ("value: 4\n", "value: 8\n"),
    "how a bound is written": ("maximum: 900\n", "maximum: 900.0\n"),
    "how a rule is laid out": ("distance > 0\n", "(distance  >  0)\n"),
    "the version": ("version: 1.0.0", "version: 1.1.0"),
}
PROMISES = {
    "a pattern": ("pattern: '[0-9A-Z]{2}'", "pattern: '[0-9A-Z]{2,3}'"),
    "a minimum that is 0": ("minimum: 0\n          maximum: 900\n", "maximum: 900\n"),
    "a rule": ("distance > 0\n", "distance >= 0\n"),
    "a rule's name, which is a reason": ("name: leaves_its_origin", "name: goes_somewhere"),
    "a type": ("physicalType: DECIMAL(7,1)", "physicalType: DECIMAL(8,1)"),
    "what is required": ("required: true\n        description: True when", "description: True when"),
    "unknown fields": ("value: ignore", "value: reject"),
    "disorder": ("value: PT3H", "value: PT4H"),
    "the topic": ("physicalName: flights #", "physicalName: flights_anew #"),
    "partitions of the table": ("month(scheduled_departure)", "day(scheduled_departure)"),
}


def edited(folder: Path, old: str, new: str, name: str = "flights") -> tuple[str, str]:
    """What a contract means, and what it means after an edit."""
    text = (CONTRACTS / f"{name}.odcs.yaml").read_text()
    assert old in text, f"{old!r} is not in the contract"
    path = folder / f"{name}.odcs.yaml"
    path.write_text(text)
    before = meaning(load(path))
    path.write_text(text.replace(old, new))
    return before, meaning(load(path))


@pytest.mark.parametrize(("old", "new"), FOR_PEOPLE.values(), ids=list(FOR_PEOPLE))
def test_what_is_for_people_needs_no_new_version(tmp_path: Path, old: str, new: str) -> None:
    before, after = edited(tmp_path, old, new)
    assert after == before


@pytest.mark.parametrize(("old", "new"), PROMISES.values(), ids=list(PROMISES))
def test_a_changed_promise_needs_a_new_version(tmp_path: Path, old: str, new: str) -> None:
    before, after = edited(tmp_path, old, new)
    assert after != before


def test_what_a_derived_table_counts_needs_a_new_version(tmp_path: Path) -> None:
    before, after = edited(tmp_path, "value: PT1H", "value: PT2H", "departures_hourly")
    assert after != before


def test_an_absent_property_changes_nothing() -> None:
    """One that a later headrace knows must not make every contract look edited."""
    contract = load(CONTRACTS / "flights.odcs.yaml")
    known = dataclasses.make_dataclass(
        "Later",
        [("later", "object", None), ("more", "object", ()), ("flag", "object", False)],
        bases=(Contract,),
        frozen=True,
    )
    later = known(**{f.name: getattr(contract, f.name) for f in dataclasses.fields(contract)})
    assert meaning(later) == meaning(contract)
