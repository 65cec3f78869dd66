"""The statements that put a topic into event time: who moves the watermark, and where late rows go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from headrace.contract.load import load
from headrace.contract.model import Contract, Late
from headrace.table.event_time import in_time_view, late_view, timed_source_ddl

ROOT = Path(__file__).parents[2]
AMEND, KEEP = Late("amend", timedelta(days=2)), Late("keep")


@pytest.fixture(scope="module")
def flights() -> Contract:
    return replace(load(ROOT / "contracts" / "flights.odcs.yaml"), rules=())


def test_only_a_valid_record_has_an_event_time(flights: Contract) -> None:
    ddl = timed_source_ddl(flights, name="flights__topic", bootstrap="b", options={}, job="j")
    time = ddl.partition("`_event_time` AS CAST(CASE WHEN ")[2]
    assert time.startswith("`_reason` IS NULL AND CAST(CASE")
    assert "THEN `scheduled_departure` END AS TIMESTAMP_LTZ(3))" in time
    assert "event_time_in_future:scheduled_departure:maxFuture" in time, "an absurd one is not valid"
    assert "WATERMARK FOR `_event_time` AS `_event_time` - INTERVAL '0 03:00:00.000' DAY TO SECOND(3)" in ddl


def test_a_row_is_in_time_or_late(flights: Contract) -> None:
    now = "CURRENT_WATERMARK(`_event_time`)"
    in_time = in_time_view(flights, AMEND, name="flights", source="s")
    late = late_view(flights, AMEND, name="flights__late", source="s")
    bound = f"{now} - INTERVAL '2' DAY"
    assert in_time.endswith(f"AND ({now} IS NULL OR `_event_time` > {bound})")
    assert late.endswith(f"AND `_event_time` <= {bound}")
    assert f"{now} AS `_watermark`" in late


def test_what_is_kept_apart_is_all_that_is_behind_the_watermark(flights: Contract) -> None:
    late = late_view(flights, KEEP, name="flights__late", source="s")
    assert late.endswith("AND `_event_time` <= CURRENT_WATERMARK(`_event_time`)")
