"""What `plan` shows of operators whose descriptions are long and begin alike."""

from __future__ import annotations

import pytest

from headrace.cli.pages.plan import SHOWN, short_descriptions
from headrace.job import lock

WINDOW = "GroupWindowAggregate(groupBy=[origin, dest], window=[TumblingGroupWindow('w$, _event_time, "


@pytest.mark.parametrize("job", ["flights", "departures_hourly", "flights_enriched", "aircraft_rotation"])
def test_no_two_operators_of_a_job_look_alike(job: str) -> None:
    plan = lock.read(job)
    assert plan
    descriptions = {description for _, _, description in plan.nodes()}

    short = short_descriptions(descriptions)

    assert len(set(short.values())) == len(descriptions) > 3
    assert all(len(text) <= SHOWN + 2 for text in short.values())


def test_the_part_that_distinguishes_two_operators_is_shown() -> None:
    counted, summed = f"{WINDOW}3600000)], select=[COUNT(*)])", f"{WINDOW}3600000)], select=[SUM(a)])"
    rare = f"{WINDOW}60000)], select=[SUM(a)])"

    short = short_descriptions([counted, summed, rare, "Exchange(distribution=[hash[origin]])"])

    assert short == {
        counted: "GroupWindowAggregate(g…)], select=[COUNT(*)])",
        summed: "GroupWindowAggregate(g…3600000)], select=[SUM…",
        rare: "GroupWindowAggregate(g…60000)], select=[SUM(a…",
        "Exchange(distribution=[hash[origin]])": "Exchange(distribution=[hash[origin]])",
    }
