"""The statements that put a topic into event time: who moves the watermark, and where late rows go."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from headrace.contract.load import load
from headrace.contract.model import Contract, Late
from headrace.table.event_time import in_time_view, judged_view, late_view, timed_source_ddl

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


def test_a_row_is_in_time_or_late_by_either_of_two_watermarks(flights: Contract) -> None:
    judged = judged_view(flights, name="flights__judged", source="flights__topic")
    in_time = in_time_view(flights, AMEND, name="flights", source="s")
    late = late_view(flights, AMEND, name="flights__late", source="s")
    now, two = "CURRENT_WATERMARK(`_event_time`)", "INTERVAL '2' DAY"
    assert "OVER (PARTITION BY `_partition` ORDER BY `_arrival`) - INTERVAL '0 03:00:00.000'" in judged
    assert "WHERE `_reason` IS NULL AND `_verdict` IS NULL" in judged
    assert "CURRENT_WATERMARK" not in judged
    first = f"({now} IS NULL OR `_event_time` > {now} - {two})"
    assert in_time.endswith(f"WHERE {first} AND `_event_time` > `_own` - {two}")
    assert late.endswith(f"WHERE `_event_time` <= {now} - {two} OR `_event_time` <= `_own` - {two}")
    assert f"CASE WHEN {now} > `_own` THEN {now} ELSE `_own` END AS `_watermark`" in late


def test_versions_are_judged_where_they_are_read(flights: Contract) -> None:
    versions = replace(flights, version_of=("tailnum",))
    assert "OVER" not in judged_view(versions, name="v", source="s"), "Flink has none on a changelog"
    late = late_view(versions, KEEP, name="late", source="v")
    assert late.endswith("WHERE `_event_time` <= CURRENT_WATERMARK(`_event_time`)")


@pytest.mark.parametrize("job", ["departures_hourly", "aircraft_rotation", "flights_deduplicated"])
def test_the_plan_asks_for_the_watermark_behind_the_shuffle(job: str) -> None:
    nodes = json.loads((ROOT / "jobs" / f"{job}.lock.json").read_text())["plan"]["nodes"]
    nodes_with_watermark = [n["id"] for n in nodes if "CURRENT_WATERMARK" in str(n)]
    shuffled = [n["id"] for n in nodes if "partitionBy=[_partition]" in n["description"]]
    assert nodes_with_watermark
    assert min(nodes_with_watermark) > shuffled[0]
