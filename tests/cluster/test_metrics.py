"""Event time of a job, from what its partitions tell."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from headrace.cluster import Split, event_time
from headrace.cluster.metrics import _moment

JUNE, JULY = (datetime(2013, month, 1, tzinfo=timezone.utc) for month in (6, 7))


def test_the_watermark_is_that_of_the_slowest_partition() -> None:
    found = [Split("f-0", JUNE, idle=False, paused=False), Split("f-1", JULY, idle=False, paused=True)]

    assert event_time([*found, Split("planes-0", None, idle=True, paused=False)]) == JUNE


def test_there_is_none_where_that_one_has_none_or_all_are_silent() -> None:
    assert event_time([Split("f-0", None, idle=False, paused=False)]) is None
    assert event_time([Split("f-0", JUNE, idle=True, paused=False)]) is None
    assert event_time([]) is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("1372636800000", "2013-07-01T00:00:00+00:00"),
        ("-62135683200000", "0001-01-01T00:00:00+00:00"),  # year 1, and a day of delay
        ("253402300800000", "9999-12-31T23:59:59.999000+00:00"),
        ("-9223372036854775808", None),  # before the first record
        ("9223372036854775807", None),  # behind the last one
    ],
)
def test_every_watermark_of_flink_can_be_shown(told: str, expected: str | None) -> None:
    at = _moment(int(told))

    assert (at and at.isoformat()) == expected
