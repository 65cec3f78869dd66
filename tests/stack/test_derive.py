"""Keyed state in event time on a real cluster: what is published is what another engine computes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from headrace.errors import DecisionNeeded
from headrace.read.tables import open_table
from tests.stack.road import BY_HAND, Road
from tests.stack.waiting import until

MakeRoad = Callable[..., Road]

HOUR = 3600
BEGIN = 1_767_225_600
"""2026-01-01 in UTC."""
BY_HOUR = """
SELECT id % 4 AS lane, date_trunc('hour', "at") AS begins, count(*), sum(amount), max(id)
FROM events {where} GROUP BY ALL ORDER BY ALL
"""


def records(seconds: Iterable[int]) -> list[bytes]:
    """One record for each second of event time that is named; ids are running numbers."""
    return [
        json.dumps({"id": n, "at": _moment(s), "amount": n % 7 + 0.25}).encode()
        for n, s in enumerate(seconds)
    ]


def _moment(second: int) -> str:
    return datetime.fromtimestamp(BEGIN + second, timezone.utc).isoformat()


def shuffled(hours: int, *, lag_s: int, seed: int) -> list[int]:
    """A record every ten seconds, each sent up to ``lag_s`` late; then one that closes all windows before it.

    It is sent twice, so that it reaches both of two partitions.
    """
    chance = random.Random(seed)  # noqa: S311 - the same disorder in every run
    seconds = sorted(range(0, hours * HOUR, 10), key=lambda s: s + chance.uniform(0, lag_s))
    return [*seconds, *[(hours + 12) * HOUR] * 2]


def reference(road: Road, until_hour: int, where: str = "") -> list[tuple[Any, ...]]:
    """The same by DuckDB from the published ingest table."""
    table = open_table(road.warehouse, "events")
    assert table is not None
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.register("events", table.to_pyarrow_table())
        rows = engine.execute(BY_HOUR.format(where=where)).fetchall()
    return [row for row in rows if row[1].timestamp() < BEGIN + until_hour * HOUR]


def result(road: Road) -> list[tuple[Any, ...]]:
    return road.rows(road.job, ("lane", "begins", "events", "amount", "newest"))


def ingested(make_road: MakeRoad, payloads: list[bytes], **options: Any) -> Road:
    """The records in their topic and in the published table of the ingest job, which ends there."""
    road = make_road(options=BY_HAND, **options)
    more(road, payloads)
    ingest(road)
    return road


def more(road: Road, payloads: list[bytes]) -> None:
    for partition in range(road.partitions):
        road.send(payloads[partition :: road.partitions], partition=partition)


def ingest(road: Road) -> None:
    """Publish the topic's own table, to the end of the topic."""
    job = road.submit()
    road.settle(job, claim=1)
    road.publish()
    road.cancel(job)


def counts(read: int, *, late: int, waiting: int) -> dict[str, int]:
    """What ``verify`` counts where everything adds up."""
    return {"read": read, "counted": read - late - waiting, "late": late, "stale": 0, "waiting": waiting}


TABLES = ("events_by_hour__late", "events_by_hour")


def sql_hour(hour: int) -> str:
    return f"arrow_cast('2026-01-01T{hour:02d}:00:00Z', 'Timestamp(Microsecond, Some(\"UTC\"))')"


def passed(hour: float) -> float:
    """The watermark, a minute behind the newest record, when that is of this hour."""
    return BEGIN + hour * HOUR - 60


def published(road: Road, job: str, hour: float, claim: int = 1) -> list[tuple[Any, ...]]:
    """The result once the job has read everything, to a record of that hour, which closes earlier windows."""
    road.settle(job, claim, passed(hour))
    road.publish()
    return result(road)


@pytest.mark.parametrize("parallelism", [1, 2])
def test_records_out_of_order_give_the_result_of_a_batch(make_road: MakeRoad, parallelism: int) -> None:
    payloads = records(shuffled(8, lag_s=90 * 60, seed=parallelism))
    road = ingested(make_road, payloads, parallelism=parallelism, partitions=parallelism)
    derive = road.beside("events_by_hour")
    assert published(derive, derive.submit(), 8 + 12) == reference(road, until_hour=8)
    assert derive.rows("events_by_hour__late") == [], "nothing was over two hours late"
    assert derive.verified()["rows"] == counts(len(payloads), late=0, waiting=2)


FIRST = [*range(0, 5 * HOUR, 60), 6 * HOUR]
"""Five hours in order, and one record that closes them: the watermark then stands at 5:59."""
LATE = [4 * HOUR + 5, 4 * HOUR + 6, 5 * HOUR + 7]
"""Late, and within two hours."""
TOO_LATE = [5, HOUR + 5, 3 * HOUR + 59 * 60]
"""More than two hours behind the watermark: the last one by no more than the watermark's delay."""


def send_late(road: Road, derive: Road, job: str) -> None:
    """Send late records when the hours they belong to are published already."""
    assert {row[1].hour for row in published(derive, job, 6)} == {0, 1, 2, 3, 4}
    payloads = records([*FIRST, *LATE, *TOO_LATE, 20 * HOUR])[len(FIRST) :]
    more(road, payloads)


def test_late_rows_amend_published_ones_and_too_late_ones_are_kept_apart(make_road: MakeRoad) -> None:
    road = make_road(options=BY_HAND, parallelism=1, partitions=1)
    more(road, records(FIRST))
    derive = road.beside("events_by_hour")
    job = derive.submit()
    send_late(road, derive, job)
    rows = published(derive, job, 20)

    ids = [i for (i,) in derive.rows("events_by_hour__late", ("id",))]
    assert ids == [len(FIRST) + len(LATE) + n for n in range(len(TOO_LATE))]
    counted = sum(row[2] for row in rows)
    assert counted + len(ids) == len(FIRST) + len(LATE) + len(TOO_LATE), "each record is counted or late"
    assert all(w > a for a, w in derive.rows("events_by_hour__late", ("at", "_watermark")))

    refused = derive.verified(expect=1)
    assert "headrace publish events" in refused["remedy"]
    ingest(road)
    sent = len(FIRST) + len(LATE) + len(TOO_LATE) + 1
    assert derive.verified()["rows"] == counts(sent, late=len(TOO_LATE), waiting=1)
    apart = f"WHERE id NOT IN ({', '.join(map(str, ids))})"
    assert rows == reference(road, until_hour=7, where=apart)


def test_late_rows_that_are_kept_apart_leave_the_result_unchanged(make_road: MakeRoad) -> None:
    road = make_road(options=BY_HAND, parallelism=1, partitions=1)
    more(road, records(FIRST))
    derive = road.beside("events_by_hour_kept")
    job = derive.submit()
    send_late(road, derive, job)
    before = result(derive)
    rows = published(derive, job, 20)
    assert [row for row in rows if row[1].hour < 6] == before
    late = derive.rows("events_by_hour_kept__late", ("id",))
    assert [i for (i,) in late] == [len(FIRST) + n for n in range(len(LATE) + len(TOO_LATE))]
    ingest(road)
    assert derive.verified()["rows"] == counts(len(FIRST) + len(late) + 1, late=len(late), waiting=1)


def test_verify_names_rows_that_do_not_add_up(make_road: MakeRoad) -> None:
    road = make_road(options=BY_HAND, parallelism=1, partitions=1)
    more(road, records([*FIRST, *TOO_LATE, 20 * HOUR]))
    ingest(road)
    derive = road.beside("events_by_hour")
    published(derive, derive.submit(), 20)
    assert derive.verified()["rows"] == counts(len(FIRST) + len(TOO_LATE) + 1, late=len(TOO_LATE), waiting=1)

    options = derive.warehouse.delta_options
    late, hours = (DeltaTable(derive.warehouse.table_uri(n), storage_options=options) for n in TABLES)
    late.delete(f"id = {len(FIRST)}")
    hours.update({"events": "events + 2"}, predicate=f"lane = 1 AND begins = {sql_hour(2)}")
    hours.delete(f"begins = {sql_hour(6)}")  # the newest: only the watermark shows that it is closed

    output = derive.headrace("verify", derive.job, expect=1)
    assert (
        "window 2026-01-01T00:00:00+00:00 to 2026-01-01T01:00:00+00:00: 61 read, 0 late, 60 counted" in output
    )
    answer = derive.verified(expect=1)
    assert [(f["kind"], f["at"], f["rows"]) for f in answer["findings"]] == [
        ("missing", "2026-01-01T00:00:00+00:00", 1),
        ("too many", "2026-01-01T02:00:00+00:00", 2),
        ("missing", "2026-01-01T06:00:00+00:00", 1),
    ]


def test_a_killed_taskmanager_and_a_restart_give_the_same_result(make_road: MakeRoad) -> None:
    payloads = records(shuffled(8, lag_s=90 * 60, seed=3))
    half = len(payloads) // 2
    road = make_road(parallelism=2)
    derive = road.beside("events_by_hour")
    job = derive.submit()
    more(road, payloads[:half])
    until("a completed checkpoint", lambda: derive.checkpoints(job)["counts"]["completed"] > 0)
    restored = derive.checkpoints(job)["counts"]["restored"]
    derive.stack.kill_taskmanager()
    derive.stack.heal()
    until("the job to be restored", lambda: derive.checkpoints(job)["counts"]["restored"] > restored)
    derive.running(job)
    derive.stop(job)
    more(road, payloads[half:])
    again = derive.submit()
    rows = published(derive, again, 8 + 12, claim=2)

    ingesting = road.submit()
    road.publish_until(len(payloads))
    road.cancel(ingesting)
    assert rows == reference(road, until_hour=8)
    # The batch's own checkpoint is gone: of three that are kept none is it, and none of them added a row.
    done = derive.checkpoints(again)["counts"]["completed"]
    until("four more", lambda: derive.checkpoints(again)["counts"]["completed"] >= done + 4)
    derive.cancel(again)
    assert derive.verified()["rows"] == counts(len(payloads), late=0, waiting=2)


def test_a_manual_restore_of_an_older_savepoint_leaves_the_result_right(make_road: MakeRoad) -> None:
    road = make_road(options=BY_HAND, parallelism=1, partitions=1)
    more(road, records(FIRST))
    derive = road.beside("events_by_hour")
    job = derive.submit()
    derive.checkpoint(job)
    saved = derive.savepoint(job)
    send_late(road, derive, job)
    rows = published(derive, job, 20)
    derive.cancel(job)

    forked = derive.flink_run("-s", saved)
    derive.settle(forked, 2, passed(20))
    with pytest.raises(DecisionNeeded, match="forked"):
        derive.publish()
    assert result(derive) == rows
    derive.cancel(forked)
    derive.headrace("branch", "set-aside", "events_by_hour", "2", "--why", "the wrong savepoint")
    assert derive.publish().batches == 0
    assert result(derive) == rows
    ingest(road)
    sent = len(FIRST) + len(LATE) + len(TOO_LATE) + 1
    assert derive.verified()["rows"] == counts(sent, late=len(TOO_LATE), waiting=1)


def test_rows_that_were_late_before_a_restart_are_late_after_it(make_road: MakeRoad) -> None:
    """Flink's watermark starts over: a window that was published long ago would open again."""
    road = make_road(options=BY_HAND, parallelism=1, partitions=1)
    more(road, records(FIRST))
    derive = road.beside("events_by_hour")
    job = derive.submit()
    before = published(derive, job, 6)
    derive.stop(job)
    more(road, records([*FIRST, TOO_LATE[0], 20 * HOUR])[len(FIRST) :])

    rows = published(derive, derive.submit(), 20, claim=2)

    assert [row for row in rows if row[1].hour < 6] == before
    assert derive.rows("events_by_hour__late", ("id",)) == [(len(FIRST),)]
    ingest(road)
    assert derive.verified()["rows"] == counts(len(FIRST) + 2, late=1, waiting=1)


def test_an_idle_partition_holds_back_no_window_and_an_absurd_time_closes_none(make_road: MakeRoad) -> None:
    """One partition is silent for the 30 s after which Flink ignores it; what it sends then may be late."""
    absurd = json.dumps({"id": 0, "at": "2099-01-01T00:00:00Z", "amount": 1.0}).encode()
    road = make_road(options=BY_HAND, parallelism=2, partitions=2)
    first = records(FIRST)
    road.send([*first[:60], absurd, *first[60:]], partition=0)
    derive = road.beside("events_by_hour")
    job = derive.submit()

    def closed() -> bool:
        derive.checkpoint(job)
        return bool(derive.publish().head.rows) and {row[1].hour for row in result(derive)} == {0, 1, 2, 3, 4}

    until("five hours to be published", closed)
    before = result(derive)

    def with_partitions() -> dict[str, Any] | None:
        """The job's status: Flink adds the metrics of a worker one by one, and REST may read in between."""
        (status,) = json.loads(derive.headrace("status", derive.job, "-o", "json"))["flink_jobs"]
        return dict(status) if len(status["partitions"]) == road.partitions else None

    status = until("both partitions to be in the status", with_partitions)
    assert {p["name"][-2:]: bool(p["watermark"]) for p in status["partitions"]} == {"-0": True, "-1": False}
    assert status["state_bytes"] > 0
    assert sum(row[2] for row in before) == len(FIRST) - 1, "no row was late after the absurd one"
    assert derive.rows("events_by_hour__late") == []

    road.send(records([*FIRST, TOO_LATE[0]])[len(FIRST) :], partition=1)

    def publish_late_rows() -> list[tuple[Any, ...]]:
        derive.checkpoint(job)
        derive.publish()
        return derive.rows("events_by_hour__late", ("id",))

    assert until("the late row to have a home", publish_late_rows) == [(len(FIRST),)]
    assert result(derive) == before
    ingest(road)
    assert derive.verified()["rows"] == counts(len(FIRST) + 1, late=1, waiting=1)


def test_a_partition_is_read_no_further_ahead_than_its_contract_says(make_road: MakeRoad) -> None:
    """At most a day: it pauses ahead of a slower partition, and resumes when that one has caught up."""
    road = make_road(options=BY_HAND, parallelism=1, partitions=2)
    derive = road.beside("events_by_hour")
    derive.submit()
    ahead, slow = (f"{road.topic}-{partition}".replace(".", "_") for partition in (0, 1))

    def status_after(slow_hour: int) -> dict[str, dict[str, Any]]:
        """Send a record to the slow partition, so that it never counts as idle; returns their states."""
        road.send(records([slow_hour * HOUR]), partition=1)
        (status,) = json.loads(derive.headrace("status", derive.job, "-o", "json"))["flink_jobs"]
        return {p["name"]: p for p in status["partitions"]}

    def hours(slow_hour: int) -> dict[str, int]:
        """In which hour each watermark is: a minute behind the newest record."""
        at = {n: p["watermark"] for n, p in status_after(slow_hour).items() if p["watermark"]}
        return {n: int(datetime.fromisoformat(w).timestamp() - BEGIN) // HOUR for n, w in at.items()}

    road.send(records([40 * HOUR]), partition=0)
    until("the one ahead to wait", lambda: [n for n, p in status_after(1).items() if p["paused"]] == [ahead])
    road.send(records([50 * HOUR]), partition=0)
    until("the slow one to be read", lambda: hours(2).get(slow) == 1)
    assert hours(2) == {ahead: 39, slow: 1}

    until("both to be read", lambda: hours(30) == {ahead: 49, slow: 29})
    assert not status_after(30)[slow]["idle"]
