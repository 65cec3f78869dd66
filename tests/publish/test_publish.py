"""A publisher whose ledger has changed since it last looked."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contract.load import load
from headrace.errors import LedgerError
from headrace.ledger.records import DONE, Manifest
from headrace.publish.publisher import Publisher
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.publish.sealed_lake import CONTRACT, Killed, Lake, by, publish_two_batches


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))


def test_a_batch_that_was_decided_after_another_head_is_refused(lake: Lake) -> None:
    """As if the bucket was restored to an earlier state, and another batch 2 was published there."""
    publish_two_batches(lake)
    lake.seal(1, range(30, 33))
    with pytest.raises(Killed):
        lake.publisher("commit events__quarantine").publish()
    place, head = "_headrace/events/done/0000000002.json", lake.ledger.required(DONE, 2)
    lake.warehouse.delete(place)
    assert lake.warehouse.put_new(place, DONE.write(head.model_copy(update={"frontier": {0: 28}})))
    before = lake.rows()
    with pytest.raises(LedgerError, match="batch 3 does not follow batch 2"):
        lake.publish()
    assert (lake.rows(), lake.ledger.newest(DONE)) == (before, 2)


def overtake(slow: Publisher, lake: Lake) -> None:
    """Let another publisher make a batch, and the job seal more, after ``slow`` has read the head."""
    staged = next(iter(slow.tables.staged.values()))
    read = staged.read

    def overtaken() -> dict[str, Manifest]:
        staged.read = read  # type: ignore[method-assign]
        lake.publish()
        lake.seal(1, range(33, 35))
        return read()

    staged.read = overtaken  # type: ignore[method-assign]


def test_a_head_that_another_publisher_moves_meanwhile_is_not_a_fork(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 33))
    slow = lake.publisher()
    overtake(slow, lake)
    assert slow.publish().head.frontier == {0: 35}
    assert lake.rows() == sorted(by(1, [*range(25), *range(30, 35)]) + by("bad", range(25, 30)))


def test_looking_again_a_publisher_still_counts_the_batch_that_it_has_finished(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 32))
    with pytest.raises(Killed):
        lake.publisher("commit events").publish()
    lake.seal(1, range(32, 33))
    slow = lake.publisher()
    finish = slow._finisher.finish_open_batch

    def overtaken_once_finished() -> int:
        slow._finisher.finish_open_batch = finish  # type: ignore[method-assign]
        finished = finish()
        overtake(slow, lake)
        return finished

    slow._finisher.finish_open_batch = overtaken_once_finished  # type: ignore[method-assign]
    done = slow.publish()
    assert (done.batches, done.head.frontier) == (2, {0: 35})


def test_looking_at_what_waits_deletes_nothing_publishing_does(lake: Lake) -> None:
    lake.submit()
    before = dict(lake.newest)
    published = lake.seal(1, range(10))
    lake.publish()
    lake.newest = before
    assert lake.seal(1, range(10)) == published, "committed once more, after it was folded"
    lake.seal(1, range(10, 12))

    waiting, _ = lake.publisher().staged_tail()

    assert published["events"] not in {m.id for m in waiting.manifests["events"]}
    assert published["events"] in lake.tables().staged["events"].read()
    lake.publish()
    assert lake.tables().staged["events"].read() == {}
