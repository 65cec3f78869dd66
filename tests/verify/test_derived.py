"""Rows read against rows counted: the identity by itself, and over tables with one thing wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, Transaction, write_deltalake

from headrace.contract.load import load
from headrace.contract.model import Counts
from headrace.errors import UsageError
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from headrace.verify.balance import balance, in_windows
from headrace.verify.conserved import Conservation, Cut, Imbalance, RowGroup
from headrace.verify.derived import NONE_YET, counting_tables, prove

ROOT = Path(__file__).parents[2]
HOUR = timedelta(hours=1)
HOUR_MS = 3_600_000
BEGIN = datetime(2013, 1, 1, tzinfo=timezone.utc)
FLIGHTS = load(ROOT / "contracts" / "flights.odcs.yaml")
HOURLY = load(ROOT / "contracts" / "departures_hourly.odcs.yaml")


def balanced(
    groups: list[RowGroup], window: timedelta, watermark: int
) -> tuple[int, list[tuple[str, int, int]]]:
    sums, findings = balance(groups, window, watermark)
    return sums["waiting"], [(f.kind, f.group.at, f.rows) for f in findings if f.group]


@pytest.mark.parametrize(
    ("watermark", "waiting", "findings"),
    [
        (2 * HOUR_MS - 1, 3, []),
        (3 * HOUR_MS - 2, 3, []),
        (3 * HOUR_MS - 1, 0, [("missing", 2 * HOUR_MS, 3)]),
    ],
)
def test_a_window_waits_until_the_watermark_has_passed_its_last_moment(
    watermark: int, waiting: int, findings: list[tuple[str, int, int]]
) -> None:
    groups = [RowGroup(2 * HOUR_MS, 3, 0, 0), RowGroup(HOUR_MS, 5, 1, 4), RowGroup(0, 2, 0, 2)]
    assert balanced(groups, HOUR, watermark) == (waiting, findings)


def test_an_event_time_is_reported_to_the_millisecond() -> None:
    groups = [RowGroup(8, 1, 0, 0), RowGroup(7, 2, 0, 1)]
    assert balanced(groups, timedelta(), 7) == (1, [("missing", 7, 1)])


def test_a_missing_row_does_not_make_up_for_a_surplus_row() -> None:
    groups = [RowGroup(HOUR_MS, 5, 0, 6), RowGroup(0, 5, 0, 4)]
    assert balanced(groups, HOUR, 9 * HOUR_MS) == (0, [("missing", 0, 1), ("too many", HOUR_MS, 1)])


def test_more_rows_than_were_read_are_too_many_even_in_an_open_window() -> None:
    assert balanced([RowGroup(0, 0, 0, 2)], HOUR, NONE_YET) == (0, [("too many", 0, 2)])
    assert balanced([RowGroup(0, 1, 2, 0)], HOUR, NONE_YET) == (0, [("too many", 0, 1)])


def test_after_a_restart_windows_published_before_are_unproved() -> None:
    groups = [RowGroup(2 * HOUR_MS, 3, 0, 0), RowGroup(HOUR_MS, 5, 0, 5), RowGroup(0, 2, 0, 1)]
    assert balanced(groups, HOUR, NONE_YET) == (3, [("unproved", 0, 1)])


def test_only_missing_rows_of_patches_are_stale() -> None:
    groups = [RowGroup(2 * HOUR_MS, 3, 0, 1), RowGroup(HOUR_MS, 5, 0, 5), RowGroup(0, 4, 0, 1)]
    patched = {HOUR_MS - 1: 2, HOUR_MS: 1, 2 * HOUR_MS: 1}
    sums, findings = balance(groups, HOUR, 2 * HOUR_MS, in_windows(patched, HOUR))
    assert [(f.kind, f.group.at, f.rows) for f in findings if f.group] == [
        ("missing", 0, 1),
        ("unproved", 2 * HOUR_MS, 1),
    ]
    assert (sums["stale"], sums["waiting"]) == (3, 0)


def at(minute: int) -> datetime:
    return BEGIN + timedelta(minutes=minute)


@dataclass
class Lake:
    """Published tables of flights and of departures by the hour."""

    warehouse: Warehouse
    cut: Cut = field(default_factory=lambda: cut({0: 4, 1: 2}, watermark_minute=121))

    def flights(self, minutes: dict[int, list[int]]) -> None:
        rows = [(p, o, m) for p, ms in minutes.items() for o, m in enumerate(ms)]
        self.write("flights", "flights/flights", 1, rows_of(rows))

    def late(self, rows: list[tuple[int, int, int]], batch: int = 1) -> None:
        name = "departures_hourly__late"
        self.write(name, f"departures_hourly/{name}", batch, rows_of(rows))

    def hours(self, rows: dict[int, int], batch: int = 1) -> None:
        table = pa.table(
            {
                "departure_hour": pa.array([at(60 * h) for h in rows], pa.timestamp("us", "UTC")),
                "scheduled": pa.array(rows.values(), pa.int64()),
            }
        )
        self.write("departures_hourly", "departures_hourly/departures_hourly", batch, table)

    def write(self, name: str, app: str, batch: int, rows: pa.Table) -> None:
        write_deltalake(
            self.warehouse.table_uri(name),
            rows,
            mode="append",
            commit_properties=CommitProperties(app_transactions=[Transaction(app, batch)]),
        )

    def proof(self) -> Conservation:
        counting = counting_tables("departures_hourly", [HOURLY])
        return prove(self.warehouse, "departures_hourly", FLIGHTS, counting, self.cut)


def rows_of(rows: list[tuple[int, int, int]]) -> pa.Table:
    return pa.table(
        {
            "_partition": pa.array([p for p, _, _ in rows], pa.int32()),
            "_offset": pa.array([o for _, o, _ in rows], pa.int64()),
            "scheduled_departure": pa.array([at(m) for _, _, m in rows], pa.timestamp("us", "UTC")),
        }
    )


def cut(positions: dict[int, int], *, watermark_minute: int) -> Cut:
    watermark = int(at(watermark_minute).timestamp() * 1000)
    return Cut(1, "s3://lake/chk-1", dict.fromkeys(positions, 0), positions, {"departures_hourly": watermark})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Six flights in two partitions: three in the first hour, two in the second, one in the third."""
    lake = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")))
    lake.flights({0: [0, 10, 70, 130], 1: [20, 80]})
    return lake


def kinds(conservation: Conservation) -> list[tuple[str, int]]:
    return [(f.kind, f.rows) for f in conservation.findings]


def test_every_row_read_is_counted_late_or_waits(lake: Lake) -> None:
    lake.hours({0: 3, 1: 1})
    lake.late([(1, 1, 80)])
    conservation = lake.proof()
    assert (
        conservation.verdict,
        conservation.arrived,
        conservation.counted,
        conservation.late,
        conservation.waiting,
    ) == ("proved", 6, 4, 1, 1)
    assert conservation.sentence() == (
        "each of 6 rows read from flights has exactly one home: 4 counted in departures_hourly, 1 late,"
        " 1 that the watermark has not passed yet"
    )
    assert conservation.to_json()["counted_in"] == {"departures_hourly": 4}
    assert conservation.to_json()["watermark"] == "2013-01-01T02:01:00+00:00"


def test_only_what_the_job_has_read_is_a_row_read(lake: Lake) -> None:
    lake.hours({0: 1, 1: 1})
    lake.late([])
    lake.cut = replace(lake.cut, starts={0: 1, 1: 0}, positions={0: 3, 1: 0})
    assert (lake.proof().verdict, lake.proof().arrived) == ("proved", 2)


def test_a_lost_window_a_wrong_count_and_late_rows_without_a_home_are_named(lake: Lake) -> None:
    lake.hours({0: 4})
    lake.late([(0, 2, 70), (0, 2, 70), (1, 7, 80)])
    conservation = lake.proof()
    assert kinds(conservation) == [
        ("too many", 1),
        ("too many", 1),
        ("late twice", 1),
        ("late from nowhere", 1),
    ]
    assert str(conservation.findings[0]) == (
        "window 2013-01-01T00:00:00+00:00 to 2013-01-01T01:00:00+00:00:"
        " 3 read, 0 late, 4 counted: 1 row too many"
    )
    assert str(conservation.findings[2]) == "1 row more than once in departures_hourly__late, record 0:2"
    assert "1 row in departures_hourly__late, record 1:7, but not among" in str(conservation.findings[3])


def test_the_newest_window_is_missing_where_the_watermark_has_passed_it(lake: Lake) -> None:
    lake.hours({0: 3})
    lake.late([])
    assert kinds(lake.proof()) == [("missing", 2)]
    lake.cut = cut({0: 4, 1: 2}, watermark_minute=119)
    assert (lake.proof().verdict, lake.proof().waiting) == ("proved", 3)


def test_a_batch_is_judged_at_its_own_versions(lake: Lake) -> None:
    for batch, hours in ((1, {0: 3}), (2, {0: 100})):
        lake.late([], batch)
        lake.hours(hours, batch)
    lake.cut = cut({0: 4, 1: 2}, watermark_minute=61)
    assert lake.proof().verdict == "proved"
    lake.cut = replace(lake.cut, batch=2)
    assert kinds(lake.proof()) == [("too many", 100)]


def test_a_batch_without_any_row_leaves_all_rows_waiting(lake: Lake) -> None:
    lake.cut = replace(lake.cut, watermarks={"departures_hourly": NONE_YET})
    conservation = lake.proof()
    assert (conservation.verdict, conservation.waiting, conservation.versions) == (
        "proved",
        6,
        {"flights": 0},
    )


def test_times_before_1970_have_their_windows_too(lake: Lake) -> None:
    lake.flights({2: [-60 * 24 * 365 * 50 - 1]})
    lake.cut = cut({2: 1}, watermark_minute=0)
    (finding,) = lake.proof().findings
    assert "window 1963-01-13T23:00:00+00:00 to 1963-01-14T00:00:00+00:00: 1 read" in str(finding)


def test_a_contract_that_does_not_declare_what_it_counts_gets_a_remedy() -> None:
    rotation = load(ROOT / "contracts" / "aircraft_rotation.odcs.yaml")
    with pytest.raises(UsageError, match="no table of the job declares how its rows count") as caught:
        counting_tables("aircraft_rotation", [rotation])
    assert caught.value.where == "contracts/aircraft_rotation.odcs.yaml"
    assert "add counts" in caught.value.remedy


def test_rows_are_counted_in_one_window_only() -> None:
    daily = replace(HOURLY, id="departures_daily", counts=Counts("scheduled", "day", timedelta(days=1)))
    with pytest.raises(UsageError, match="count in different windows"):
        counting_tables("departures_hourly", [HOURLY, daily])


def test_a_window_at_the_end_of_the_calendar_is_shown() -> None:
    last = 253_402_300_799_999 // HOUR_MS * HOUR_MS
    imbalance = Imbalance("missing", "", 1, RowGroup(last, 1, 0, 0), HOUR)
    assert "window 9999-12-31T23:00:00+00:00 to 9999-12-31T23:59:59" in str(imbalance)
    assert imbalance.to_json()["at"] == "9999-12-31T23:00:00+00:00"
