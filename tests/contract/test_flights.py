"""The contract of the demo holds what its description says."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contract.column_type import BIGINT, INT
from headrace.contract.load import load
from headrace.contract.model import Contract, Partition
from headrace.contract.standard import OPTIONS


@pytest.fixture(scope="module")
def flights() -> Contract:
    return load(Path(__file__).parents[2] / "contracts" / "flights.odcs.yaml")


def test_its_promises(flights: Contract) -> None:
    assert (flights.topic, flights.topic_partitions, flights.primary_key) == ("flights", 4, ("flight_id",))
    assert flights.event_time == "scheduled_departure"
    assert flights.partition_by == (Partition("scheduled_departure", "month"),)


def test_it_uses_every_kind_of_column(flights: Contract) -> None:
    assert {type(c.type) for c in flights.columns} == OPTIONS.keys()
    assert {c.type for c in flights.columns} >= {INT, BIGINT}
