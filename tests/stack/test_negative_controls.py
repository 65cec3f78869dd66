"""Each mechanism switched off, once, to see the red message that its absence causes.

Two things are shown each time: what the next line of defence says, and that `verify`, which shares no
code with publish, names the very offsets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import obstore
import pytest
from deltalake.transaction import Transaction
from road import BY_HAND, Road
from silent_changes import JUDGED, PAYLOADS, ROUNDED, TRUNCATED
from untouched import assert_untouched

from headrace.cluster.kafka import Source
from headrace.errors import ConservationError
from headrace.lake import delta
from headrace.lake import publish as publishing
from headrace.lake.branch import Stretch
from headrace.lake.delta import Added
from headrace.lake.offsets import Continuation, ReadFile
from headrace.lake.store import Warehouse

MakeRoad = Callable[..., Road]


class Blind(Source):
    """Believes every hole."""

    def holes(self, topic: str, spans: list[Any]) -> dict[Any, str]:  # noqa: ARG002 - it does not look
        return dict.fromkeys(spans, "absent")


def test_without_the_parent_check_a_fork_is_published_twice(
    make_road: MakeRoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    job = road.submit()
    road.checkpoint(job)
    saved = road.savepoint(job)
    road.produce(range(100))
    road.settle(job, claim=1)
    road.publish_until(100)
    road.cancel(job)
    forked = road.submit(saved)
    road.settle(forked, claim=2)

    monkeypatch.setattr(publishing, "stretch", _all_of_the_newest_claim)
    with pytest.raises(ConservationError, match="are published already"):
        road.publish()
    monkeypatch.setattr(publishing, "continue_frontier", _anything_goes)
    road.publish()
    said = road.headrace("verify", "events", expect=1)
    assert "doubled" in said
    assert "0:0" in said


def test_without_the_commit_checks_a_repeated_batch_is_in_the_table_twice(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    road.produce(range(100))
    job = road.submit()
    road.settle(job, claim=1)

    batch = road.publish().head.batch
    output = road.publisher().outputs[1]
    again = _the_same_rows_under_another_name(road, batch)

    delta.commit_batch(road.warehouse, output, Transaction("events/events", batch), again)
    road.headrace("verify", "events")  # the table carries the number already: nothing happened

    snapshot = delta._open_or_create(road.warehouse, "events", output.columns)
    delta.add_files(snapshot, output.columns, Transaction("events/events", batch), again)
    said = road.headrace("verify", "events", expect=1)
    assert "doubled" in said


def test_without_the_hole_check_a_lost_file_goes_unnoticed_until_verify(
    make_road: MakeRoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    job = road.submit()
    road.produce(range(2500))  # three days, so three files
    road.settle(job, claim=1)
    real = publishing.read_files

    def forgetful(warehouse: Warehouse, output: str, files: Sequence[Any], columns: Any) -> list[ReadFile]:
        return real(warehouse, output, list(files)[1:] if output == "events" else files, columns)

    monkeypatch.setattr(publishing, "read_files", forgetful)
    with pytest.raises(ConservationError, match="are in no file"):
        road.publish()
    publisher = road.publisher()
    publisher.source = Blind(**vars(publisher.source))
    publisher.once()
    said = road.headrace("verify", "events", expect=1)
    assert "missing" in said


def test_without_strict_decode_values_change_and_a_record_vanishes(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    sent = road.send(PAYLOADS)
    rounded, vanished = PAYLOADS.index(ROUNDED), PAYLOADS.index(TRUNCATED)
    job = road.flink_run(module="jobs.events_lenient")
    road.settle(job, claim=1)

    with pytest.raises(ConservationError, match=rf"are in no file: 0:{vanished}\n"):
        road.publish()
    publisher = road.publisher()
    publisher.source = Blind(**vars(publisher.source))
    publisher.once()
    with pytest.raises(AssertionError) as red:
        assert_untouched(road, sent)
    told = str(red.value).splitlines()
    assert [line.split(": ")[0] for line in told] == [
        f"0:{o}" for o, (_, reason) in enumerate(JUDGED) if reason
    ]
    assert f"0:{rounded}: sent {ROUNDED!r}; data holds amount = 1.24" in told
    assert f"0:{vanished}: sent {TRUNCATED!r}; 0 rows in data, 0 in quarantine" in told
    said = road.headrace("verify", "events", expect=1)
    assert f"partition 0: 1 offset missing: in the topic, in no table: {vanished}\n" in said


def _all_of_the_newest_claim(_ledger: Any, head: Any, staged: Any, claim: Any) -> Stretch:
    assert head
    return Stretch(
        {
            o: sorted((m for m in f.values() if m.claim == claim.number), key=lambda m: m.id)
            for o, f in staged.items()
        }
    )


def _anything_goes(_job: str, frontier: dict[int, int], _start: Any, _positions: Any) -> Continuation:
    return Continuation(frontier, ())


def _the_same_rows_under_another_name(road: Road, number: int) -> list[Added]:
    """A batch's files, copied: a path that is added twice would be told apart by delta-rs itself."""
    batch = road.ledger.get("batches", number)
    assert batch is not None
    copied = []
    for file in batch["outputs"]["events"]["files"]:
        path = file["path"].replace("part-", "part-again-")
        obstore.put(road.warehouse.objects, f"events/{path}", road.warehouse.read(f"events/{file['path']}"))
        copied.append(Added(path, file["size"], file["partition"], file["statistics"]))
    return copied
