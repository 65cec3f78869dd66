"""Holes and overlaps of offsets, on arrays."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.errors import ConservationError
from headrace.offsets import Span
from headrace.publish.frontier import continue_frontier


def at(**parts: list[int]) -> dict[int, np.ndarray]:
    return {int(k[1:]): np.array(v, dtype=np.int64) for k, v in parts.items()}


def test_a_batch_that_continues_moves_the_frontier() -> None:
    continuation = continue_frontier("events", {0: 5}, {0: 0}, [at(p0=[6, 5]), at(p0=[7])])
    assert continuation.frontier == {0: 8}
    assert continuation.holes == ()


def test_the_first_frontier_is_the_recorded_start() -> None:
    assert continue_frontier("events", {}, {0: 100}, [at(p0=[100, 101])]).holes == ()


def test_a_partition_added_later_begins_at_zero() -> None:
    continuation = continue_frontier("events", {0: 5}, {0: 0}, [at(p1=[0, 1])])
    assert continuation.frontier == {0: 5, 1: 2}
    assert continuation.holes == ()


@pytest.mark.parametrize(
    ("offsets", "holes"),
    [
        ([6, 7], [Span(0, 5, 5)]),
        ([5, 8], [Span(0, 6, 7)]),
        ([7, 9, 10], [Span(0, 5, 6), Span(0, 8, 8)]),
    ],
)
def test_holes_are_named_exactly(offsets: list[int], holes: list[Span]) -> None:
    assert continue_frontier("events", {0: 5}, {}, [at(p0=offsets)]).holes == tuple(holes)


def test_an_offset_below_the_frontier_is_refused() -> None:
    with pytest.raises(ConservationError, match=r"published already: 0:3") as e:
        continue_frontier("events", {0: 5}, {}, [at(p0=[3, 5, 6])])
    assert e.value.facts["offsets"] == [3]


def test_an_offset_in_two_rows_is_refused() -> None:
    with pytest.raises(ConservationError, match=r"are in two rows: 0:6"):
        continue_frontier("events", {0: 5}, {}, [at(p0=[5, 6]), at(p0=[6, 7])])


def test_a_batch_without_rows_leaves_the_frontier() -> None:
    assert continue_frontier("events", {0: 5}, {}, []).frontier == {0: 5}


@pytest.mark.parametrize("span", [Span(0, 5, 5), Span(12, 100, 200)])
def test_a_span_is_read_as_it_is_written(span: Span) -> None:
    assert Span.parse(str(span)) == span


@pytest.mark.parametrize(
    ("accepted", "covered"),
    [("0:0-9999", True), ("0:100-149", True), ("0:100-148", False), ("1:0-9999", False)],
)
def test_an_accepted_loss_covers_the_holes_within_it(accepted: str, *, covered: bool) -> None:
    assert Span.parse(accepted).covers(Span(0, 100, 149)) is covered
