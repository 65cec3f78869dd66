"""Event time of a job, from what its partitions tell."""

from datetime import datetime, timezone

from headrace.cluster.metrics import Split, event_time

JUNE, JULY = (datetime(2013, month, 1, tzinfo=timezone.utc) for month in (6, 7))


def test_it_is_that_of_the_first_partition_that_is_waited_for() -> None:
    found = [Split("f-0", JUNE, idle=False, paused=False), Split("f-1", JULY, idle=False, paused=True)]

    assert event_time([*found, Split("planes-0", None, idle=True, paused=False)]) == JUNE


def test_there_is_none_where_that_one_has_none_or_all_are_silent() -> None:
    assert event_time([Split("f-0", None, idle=False, paused=False)]) is None
    assert event_time([Split("f-0", JUNE, idle=True, paused=False)]) is None
    assert event_time([]) is None
