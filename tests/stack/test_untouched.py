"""What plain Flink JSON would change or drop is in quarantine as it was sent (G4)."""

from __future__ import annotations

from collections.abc import Callable

from tests.stack.road import BY_HAND, Road
from tests.stack.silent_changes import JUDGED, PAYLOADS
from tests.stack.untouched import assert_untouched

MakeRoad = Callable[..., Road]


def test_values_are_unchanged_and_records_never_vanish(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    sent = road.send(PAYLOADS)
    job = road.submit()
    road.settle(job, claim=1)
    road.publish()
    assert_untouched(road, sent)
    expected = [(offset, reason) for offset, (_, reason) in enumerate(JUDGED) if reason]
    assert road.rows("events__quarantine", ("_offset", "reason")) == expected
