"""A partition that is added to a topic is read whole: by a running job, after a restart and in a replay."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kafka import KafkaAdminClient

from tests.stack.json_output import run_json
from tests.stack.road import BY_HAND, Road, every
from tests.stack.test_derive import HOUR, counts, ingest, published, records, reference
from tests.stack.waiting import until

MakeRoad = Callable[..., Road]


def add_partition(road: Road, records: int = 50) -> int:
    """One more partition, with so many records in it."""
    added = road.partitions
    admin = KafkaAdminClient(bootstrap_servers=road.settings.kafka.bootstrap)
    admin.create_partitions({road.topic: added + 1})
    admin.close()
    road.partitions += 1
    road.produce(range(records), partition=added)
    return added


def lag(road: Road) -> dict[str, int]:
    return dict(run_json(road, "status", road.job)["lag"])


@pytest.mark.usefixtures("by_client")
def test_a_partition_that_is_added_is_read_from_its_beginning(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1)
    road.produce(range(100))
    first = road.submit()
    road.publish_until(100)

    add_partition(road)
    assert lag(road) == {"0": 0, "1": 0, "2": 50}, "counted before the job has discovered it"
    road.publish_until(150)
    assert lag(road) == {"0": 0, "1": 0, "2": 0}

    road.stop(first)
    add_partition(road)
    road.headrace("branch", "restart", road.job, "--why", "the bucket")
    road.headrace("run", road.job)
    road.publish_until(200)
    assert road.homes() == every(dict.fromkeys(range(4), 50)), (
        "a restart at the frontier names no such offset"
    )

    add_partition(road)
    since = ("--from-time", "2026-01-01T00:00:00", "--why", "test")
    assert run_json(road, "replay", "plan", road.job, *since)["frontier"] == {"0": 0, "1": 0}
    run_json(road, "replay", "run", road.job, "1")
    add_partition(road)  # to the topic of a fork that runs
    run_json(road, "replay", "publish", road.job, "1")

    stretch = ("--from-offsets", "0:10", "--to-offsets", "0:20", "--why", "test")
    run_json(road, "replay", "plan", road.job, *stretch)
    add_partition(road)
    run_json(road, "patch", "judge", road.job, "1")
    run_json(road, "patch", "apply", road.job, "1")
    road.publish_until(350)
    assert road.homes() == every(dict.fromkeys(range(7), 50)), (
        "a fork reads all of the new partition; a bounded replay reads none of it"
    )
    assert road.verified()["verdict"] == "proved"


def test_a_partition_that_is_added_while_the_job_starts_is_read(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, partitions=3)
    road.produce(range(150))
    job = road.flink_run(module="jobs.events_raced")
    road.publish_until(150)
    assert road.homes() == every(dict.fromkeys(range(3), 50))
    assert road.rest(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"] == []


def test_a_derive_job_counts_the_rows_of_a_partition_that_is_added(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, partitions=1, options=BY_HAND)
    payloads = records([*range(0, 2 * HOUR, 60), *range(HOUR, 3 * HOUR, 60), *[12 * HOUR] * 2])
    first, second, (one, other) = payloads[:120], payloads[120:-2], payloads[-2:]
    road.send(first)
    derive = road.beside("events_by_hour")
    job = derive.submit()
    road.send(second, partition=add_partition(road, 0))
    until(
        "the partition to be found",
        lambda: len(run_json(derive, "status", derive.job)["flink_jobs"][0]["partitions"]) == 2,
    )
    for partition, last in enumerate((one, other)):  # which close all windows before them
        road.send([last], partition=partition)
    rows = published(derive, job, 12)
    ingest(road)
    assert rows == reference(road, until_hour=12)
    assert derive.verified()["rows"] == counts(len(payloads), late=0, waiting=2)
