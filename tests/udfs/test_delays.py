"""Delay classes: each minute has one, and a longer delay has never a better one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from udfs.delays import classified

ORDER = ["early", "on time", "late", "very late", "severe"]
MINUTES = st.integers(-2000, 2000)


def named(minutes: int) -> str:
    (row,) = classified(minutes, None)
    return row[2]


@given(MINUTES, MINUTES)
def test_a_longer_delay_is_never_better(one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert ORDER.index(named(less)) <= ORDER.index(named(more))


@given(st.none() | MINUTES, st.none() | MINUTES)
def test_a_row_for_each_given_delay(departure: int | None, arrival: int | None) -> None:
    delays = [(e, m) for e, m in (("departure", departure), ("arrival", arrival)) if m is not None]
    assert [row[:2] for row in classified(departure, arrival)] == delays


def test_limits() -> None:
    assert [named(m) for m in (-16, -15, 14, 15, 59, 60, 179, 180)] == [
        *("early", "on time", "on time"),
        *("late", "late", "very late", "very late", "severe"),
    ]
