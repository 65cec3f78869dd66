"""Publishing to the end of a topic: markers are not waited for, records are."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contract.load import load_contract
from headrace.errors import ClusterError, UsageError
from headrace.publish.publisher import Published
from headrace.publish.to_end import publish_to_end
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.publish.sealed_lake import Lake, publish_two_batches, topics


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake whose topic ends at offset 40."""
    monkeypatch.setenv("HEADRACE_PROJECT", str(Path(__file__).parents[1] / "stack" / "project"))
    warehouse = connect(Store(warehouse=f"file://{tmp_path}/lake"))
    return Lake(warehouse, load_contract("events"), kafka=topics(partitions=1, records=40))


def to_end(lake: Lake, within_s: float = 0) -> list[Published]:
    done: list[Published] = []
    publish_to_end(lake.publisher(), within_s, done.append)
    return done


def test_publishing_ends_at_the_end_of_the_topic(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 40))
    assert [d.head.frontier for d in to_end(lake)] == [{0: 40}]
    assert to_end(lake) == []


def test_publishing_continues_while_records_are_left(lake: Lake) -> None:
    publish_two_batches(lake)
    with pytest.raises(ClusterError, match="0:30-39 are left"):
        to_end(lake)


def test_offsets_without_records_are_not_waited_for(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.kafka.compact("events", range(30, 40))
    assert to_end(lake) == []


def test_records_sent_later_are_not_waited_for(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.kafka.cut("events", 30)
    assert to_end(lake) == []


def test_many_offsets_are_not_looked_up(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.kafka.send("events", 50_000)
    with pytest.raises(ClusterError):
        to_end(lake)
    assert "holes" not in lake.kafka.questions


def test_a_job_that_never_ran_is_refused(tmp_path: Path, lake: Lake) -> None:
    fresh = Lake(connect(Store(warehouse=f"file://{tmp_path}/other")), lake.contract, started=False)
    with pytest.raises(UsageError, match="never ran"):
        to_end(fresh)
