"""A Kafka timestamp is any 64-bit number. One that no table can hold stops no job and loses no record."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from tests.stack.json_output import run_json
from tests.stack.road import BY_HAND, Road, event, every

MakeRoad = Callable[..., Road]
YEAR_10000, LARGEST = 253_402_300_800_000, (1 << 63) - 1
WRAPS_TO_NOW = (1 << 61) + 1_790_000_000_000
"""As microseconds in 64 bits, this is a time of the year 2026."""
FAR = json.dumps({"id": 7, "at": "9999-06-01T00:00:00Z", "amount": 1.25}).encode()
"""Plausible beside a timestamp of the year 10000: it would close every window."""
OLD = json.dumps({"id": 8, "at": "1970-01-01T00:00:00Z", "amount": 1.25}).encode()
SENT = {
    5: (event(5), YEAR_10000),
    6: (event(6), LARGEST),
    7: (FAR, YEAR_10000),
    8: (OLD, 0),
    9: (event(9), WRAPS_TO_NOW),
    10: (b"{broken", LARGEST),
    39: (event(5 * 3600), None),  # closes the hours of all others
}
"""Offset → payload and timestamp; all others are good."""
WRONG = [5, 6, 7, 9]
RECORDS = 40
PASSED = datetime(2026, 1, 19, 4, 59, tzinfo=timezone.utc).timestamp()
"""Event time behind the last one: a minute less."""


def send(road: Road) -> None:
    """Brokers refuse timestamps an hour ahead since Kafka 3.6, unless a topic says otherwise."""
    allow = {"message.timestamp.after.max.ms": str(LARGEST)}
    admin = KafkaAdminClient(bootstrap_servers=road.settings.kafka.bootstrap)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, road.topic, configs=allow)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=road.settings.kafka.bootstrap)
    for offset in range(RECORDS):
        payload, at = SENT.get(offset, (event(offset), None))
        producer.send(road.topic, payload, partition=0, timestamp_ms=at)
        producer.flush()  # each is its own batch: differences to the first one would overflow
    producer.close()


def test_timestamps_that_no_table_can_hold_lose_no_record(make_road: MakeRoad, by_client: None) -> None:  # noqa: ARG001
    road = make_road(options=BY_HAND, parallelism=1, partitions=1)
    send(road)
    job = road.submit()
    road.settle(job, claim=1)
    assert road.publish().head.frontier == {0: RECORDS}
    road.cancel(job)

    assert road.homes() == every({0: RECORDS})
    assert road.verified()["verdict"] == "proved"
    columns = ("_offset", "reason", "field", "rule", "_kafka_millis", "_kafka_day")
    why = ("kafka_time_out_of_range", "_kafka_time", "range")
    assert [(*row[:-1], row[-1].isoformat()) for row in road.rows("events__quarantine", columns)] == [
        (5, *why, YEAR_10000, "2262-04-11"),
        (6, *why, LARGEST, "2262-04-11"),
        (7, *why, YEAR_10000, "2262-04-11"),
        (9, *why, WRAPS_TO_NOW, "2262-04-11"),
        (10, "malformed_json", None, None, LARGEST, "2262-04-11"),
    ]
    query = "SELECT _offset, _kafka_time FROM {} WHERE _kafka_time {} ORDER BY _offset"
    rows = json.loads(road.headrace("query", query.format("events", "< '1971-01-01'"), "-o", "json"))
    assert rows == [{"_offset": 8, "_kafka_time": "1970-01-01T00:00:00+00:00"}]
    rows = json.loads(
        road.headrace("query", query.format("events__quarantine", "> '2262-01-01'"), "-o", "json")
    )
    assert {row["_kafka_time"] for row in rows} == {"2262-04-11T23:47:16.854000+00:00"}
    by_day = "SELECT date_trunc('day', _kafka_time) AS day, count(*) AS n FROM events__quarantine GROUP BY 1"
    assert json.loads(road.headrace("query", by_day, "-o", "json"))[0]["n"] == len(WRONG) + 1
    assert f"0:6  {LARGEST} ms" in road.headrace("quarantine", "show", "events")
    assert "2262-04-11T23:47:16" in road.headrace("quarantine", "ls", "events")
    assert "verified" in road.headrace("verify", "events")

    derive = road.beside("events_by_hour")
    late = derive.submit()
    derive.settle(late, 1, PASSED)
    derive.publish()
    assert derive.rows("events_by_hour__late") == [(0, 8)], "none of those moved the watermark"
    assert derive.verified()["rows"]["read"] == RECORDS - len(WRONG) - 1
    derive.cancel(late)

    again = run_json(
        road, "quarantine", "redrive", "events", "--reason", why[0], "--why", "once more", "--hold"
    )
    assert [(bad["reason"], bad["count"]) for bad in again["refused"]] == [(why[0], len(WRONG))]
    assert road.homes() == every({0: RECORDS})
