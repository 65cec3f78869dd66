"""Publish killed between its steps, run twice at once, beside a compaction: each batch happens once (G2)."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from road import BY_HAND, Road, every, publishing

from headrace.lake.tables import open_table

MakeRoad = Callable[..., Road]
STEPS = ["read", "batch", "commit events__quarantine", "commit events", "done", "fold"]


def data_versions(road: Road) -> list[str]:
    """Batch numbers in the data table's history, oldest first."""
    table = open_table(road.warehouse, "events")
    assert table is not None
    return [h["headrace.batch"] for h in reversed(table.history()) if "headrace.batch" in h]


def test_killed_before_each_step_and_run_again_publishes_once(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    job = road.submit()
    for number, fatal in enumerate(STEPS):
        road.produce(range(number * 200, number * 200 + 200), broken_every=50)
        road.settle(job, claim=1)
        killed = publishing(road, fatal)
        killed.communicate(timeout=240)
        assert killed.returncode == -signal.SIGKILL, fatal
        again = publishing(road)
        said = again.communicate(timeout=240)[1]
        assert again.returncode == 0, said.decode()[-2000:]
        count = (number + 1) * 100
        assert road.homes() == every({0: count, 1: count}), f"killed before {fatal}"
    assert data_versions(road) == [str(n) for n in range(1, len(STEPS) + 1)]


def test_two_publishers_at_once_as_two_processes(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    job = road.submit()
    for number in range(3):
        road.produce(range(number * 200, number * 200 + 200))
        road.settle(job, claim=1)
        both = [publishing(road), publishing(road)]
        said = [p.communicate(timeout=240)[1].decode()[-1500:] for p in both]
        assert [p.returncode for p in both] == [0, 0], said
        count = (number + 1) * 100
        assert road.homes() == every({0: count, 1: count})
    assert data_versions(road) == ["1", "2", "3"]


def test_publishing_again_changes_nothing(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    road.produce(range(300))
    job = road.submit()
    road.settle(job, claim=1)
    road.publish()
    version = _version(road)
    assert road.publish().batches == 0
    assert _version(road) == version


def test_a_compaction_between_the_steps_of_a_batch_changes_nothing(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    job = road.submit()
    for number in range(2):
        road.produce(range(number * 200, number * 200 + 200))
        road.settle(job, claim=1)
        if number:
            killed = publishing(road, "commit events")
            killed.communicate(timeout=240)
            _compact(road)
        road.publish()
    _compact(road)
    assert road.publish().batches == 0
    assert road.homes() == every({0: 200, 1: 200})
    road.headrace("verify", "events")


@pytest.mark.parametrize("output", ["events", "events__quarantine"])
def test_a_reader_sees_statistics_for_every_file(make_road: MakeRoad, output: str) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    road.produce(range(1500), broken_every=50)
    job = road.submit()
    road.settle(job, claim=1)
    road.publish()
    table = open_table(road.warehouse, output)
    assert table is not None
    files = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    assert files
    for file in files:
        assert file["num_records"] > 0
        assert file["min._offset"] <= file["max._offset"]


def _compact(road: Road) -> None:
    DeltaTable(
        road.warehouse.table_uri("events"), storage_options=road.warehouse.delta_options
    ).optimize.compact()


def _version(road: Road) -> int:
    table = open_table(road.warehouse, "events")
    assert table is not None
    return int(table.version())
