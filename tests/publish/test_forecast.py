"""`status` forecasts what publish will stop on, in the same words."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from headrace.contract.load import load
from headrace.errors import HeadraceError
from headrace.ledger.manifests import StagedManifests
from headrace.ledger.records import DONE, AcceptLoss
from headrace.offsets import Span
from headrace.operate.accept import record_accepted_tail
from headrace.publish import forecast as foreseen
from headrace.publish.forecast import Forecast, forecast
from headrace.publish.topics import query_topics
from headrace.settings import Store
from headrace.storage.warehouse import connect
from headrace.table.outputs import outputs
from tests.publish.sealed_lake import CONTRACT, Lake, publish_two_batches


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Offsets 0 to 29 are published."""
    made = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))
    publish_two_batches(made)
    return made


def looked(lake: Lake) -> Forecast:
    head, tables = lake.ledger.head(), outputs(lake.contract)
    staged = {o.id: StagedManifests(lake.warehouse, o.id).read() for o in tables}
    return forecast(lake.ledger, head, tables, query_topics(lake.source, lake.ledger, head), staged)


def cut_short(lake: Lake) -> None:
    lake.seal(1, range(30, 40))
    lake.kafka.cut("events", 35)


def deleted_in_between(lake: Lake) -> None:
    lake.seal(1, range(35, 40))
    lake.kafka.delete_below("events", 35)


def read_again(lake: Lake) -> None:
    lake.seal(1, range(20, 40))


def forked(lake: Lake) -> None:
    second = lake.submit()
    lake.newest[second] = 1, next(iter(lake.ledger.required(DONE, 1).manifests["events"]))
    lake.seal(second, range(10, 20))


def under_another_contract(lake: Lake) -> None:
    lake.seal(1, range(30, 35))
    root = Path(lake.warehouse.uri.removeprefix("file://"))
    path = root / "events/_staged/s1/at_day=2026-01-01/part-4.parquet"
    pq.write_table(pq.read_table(path, partitioning=None).drop_columns("amount"), path)


@pytest.mark.parametrize("state", [cut_short, deleted_in_between, read_again, forked, under_another_contract])
def test_status_and_publish_report_the_same(lake: Lake, state: object) -> None:
    state(lake)  # type: ignore[operator]
    looked_at = looked(lake)

    with pytest.raises(HeadraceError) as refused:
        lake.publish()

    assert [str(e) for e in looked_at.stops] == [str(refused.value)]
    assert looked_at.deleted == ()


def test_offsets_deleted_before_the_job_read_them_are_named(lake: Lake) -> None:
    lake.seal(1, range(30, 35))
    lake.kafka.delete_below("events", 50)

    assert looked(lake) == Forecast(deleted=(Span(0, 35, 49),)), "publish takes what is staged"
    lake.publish()
    assert looked(lake) == Forecast(deleted=(Span(0, 35, 49),))
    lake.ledger.record_decision(AcceptLoss(why="w", spans=(Span(0, 35, 49),)))
    assert looked(lake) == Forecast()


def test_what_was_read_before_it_was_deleted_is_not_lost(lake: Lake) -> None:
    lake.seal(1, range(30, 50))
    lake.kafka.delete_below("events", 50)

    assert looked(lake) == Forecast()
    assert lake.publish().batches == 1


def test_too_many_files_are_not_forecast(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreseen, "FILES_READ_AT_MOST", 1)
    lake.seal(1, range(30, 40), bad=range(40, 50))
    lake.kafka.delete_below("events", 50)

    assert looked(lake) == Forecast(deleted=(Span(0, 30, 49),), unread=2)


def test_an_accepted_tail_does_not_stop_publish(lake: Lake) -> None:
    cut_short(lake)
    record_accepted_tail(lake.ledger, *lake.publisher().staged_tail(), 4, "w")

    assert looked(lake) == Forecast()
    assert lake.publish().batches == 1


def test_a_concurrent_publisher_is_not_a_finding(lake: Lake) -> None:
    """Staged manifests are folded between two looks: the chain seems to have a gap."""
    lake.seal(1, range(30, 35))
    lake.seal(1, range(35, 40))
    head, tables = lake.ledger.head(), outputs(lake.contract)
    queried = query_topics(lake.source, lake.ledger, head)
    lake.publish()
    lake.seal(1, range(40, 45))
    staged = {o.id: StagedManifests(lake.warehouse, o.id).read() for o in tables}

    assert forecast(lake.ledger, head, tables, queried, staged) == Forecast()
