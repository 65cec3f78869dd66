"""Each mechanism switched off, once, to see the red message that its absence causes.

Two things are shown each time: what the next line of defence reports, and that `verify`, which shares no
code with publish, names the very offsets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import obstore
import pytest
from deltalake.transaction import Transaction

from headrace.cluster.kafka import Brokers, KafkaSource
from headrace.delta import commit as delta
from headrace.delta.commit import DeltaFile
from headrace.errors import ConservationError, DecisionNeeded
from headrace.ledger.manifest_range import ManifestRange
from headrace.ledger.records import BATCHES
from headrace.publish import batch_checks
from headrace.publish import publisher as publishing
from headrace.publish.frontier import Continuation
from headrace.publish.staged_files import ReadFile, read_files
from headrace.settings import KafkaSettings, Store
from headrace.storage.warehouse import Warehouse, connect
from tests.publish.real_topic import RealTopic
from tests.stack.road import BY_HAND, Road
from tests.stack.silent_changes import JUDGED, PAYLOADS, ROUNDED, TRUNCATED
from tests.stack.untouched import assert_untouched
from tests.stack_fixtures import Stack

MakeRoad = Callable[..., Road]


class Blind(KafkaSource):
    """Believes every hole."""

    def holes(self, topic: str, spans: list[Any]) -> dict[Any, str]:  # noqa: ARG002 - it does not look
        return dict.fromkeys(spans, "absent")


@pytest.fixture
def topic(stack: Stack, tmp_path: Path) -> RealTopic:
    return RealTopic(stack.settings.kafka.bootstrap, connect(Store(warehouse=f"file://{tmp_path}/lake")))


def test_without_the_parent_check_a_fork_is_published_twice(
    topic: RealTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = topic.lake
    at, place = 1, lake.seal(1, range(0))["events"]
    topic.stage(100)
    topic.publish()
    fork = lake.submit()
    lake.newest[fork] = at, place
    lake.seal(fork, range(100))
    with pytest.raises(DecisionNeeded, match="forked"):
        topic.publish()

    monkeypatch.setattr(publishing, "publishable_range", _all_of_the_newest_claim)
    with pytest.raises(ConservationError, match="are published already"):
        topic.publish()
    monkeypatch.setattr(batch_checks, "continue_frontier", _anything_goes)
    topic.publish()
    (finding,) = topic.verify().findings
    assert (finding.kind, finding.partition, len(finding)) == ("doubled", 0, 100)


def test_without_the_commit_checks_a_repeated_batch_is_in_the_table_twice(topic: RealTopic) -> None:
    topic.stage(100)
    batch = topic.publish().head.batch
    output, warehouse = topic.publisher().tables.outputs[1], topic.lake.warehouse
    again = _the_same_rows_under_another_name(topic, batch)

    delta.commit_batch(warehouse, output, Transaction("events/events", batch), again)
    assert topic.verify().verdict == "proved", "the table carries the number already: nothing happened"

    snapshot = delta._open_or_create(warehouse, "events", output.columns)
    delta.add_files(snapshot, output.columns, Transaction("events/events", batch), again)
    (finding,) = topic.verify().findings
    assert (finding.kind, len(finding)) == ("doubled", 100)


def test_without_the_hole_check_a_lost_file_goes_unnoticed_until_verify(
    topic: RealTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        topic.stage(30)
    real = read_files

    def forgetful(warehouse: Warehouse, output: str, files: Sequence[Any], columns: Any) -> list[ReadFile]:
        return real(warehouse, output, list(files)[1:] if output == "events" else files, columns)

    monkeypatch.setattr(batch_checks, "read_files", forgetful)
    with pytest.raises(ConservationError, match="are in no file"):
        topic.publish()
    publisher = topic.publisher()
    publisher.tables.source = Blind(Brokers(KafkaSettings(bootstrap=topic.bootstrap)), ("events",))
    publisher.publish()
    (finding,) = topic.verify().findings
    assert (finding.kind, finding.partition, len(finding)) == ("missing", 0, 30)


def test_without_strict_decode_values_change_and_a_record_vanishes(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    sent = road.send(PAYLOADS)
    rounded, vanished = PAYLOADS.index(ROUNDED), PAYLOADS.index(TRUNCATED)
    job = road.flink_run(module="jobs.events_lenient")
    road.settle(job, claim=1)

    with pytest.raises(ConservationError, match=rf"are in no file: 0:{vanished}\n"):
        road.publish()
    publisher = road.publisher()
    publisher.tables.source = Blind(**vars(publisher.tables.source))
    publisher.publish()
    with pytest.raises(AssertionError) as red:
        assert_untouched(road, sent)
    complaints = str(red.value).splitlines()
    assert [line.split(": ")[0] for line in complaints] == [
        f"0:{o}" for o, (_, reason) in enumerate(JUDGED) if reason
    ]
    assert f"0:{rounded}: sent {ROUNDED!r}; data holds amount = 1.24" in complaints
    assert f"0:{vanished}: sent {TRUNCATED!r}; 0 rows in data, 0 in quarantine" in complaints
    output = road.headrace("verify", "events", expect=1)
    assert f"partition 0: 1 offset missing: in the topic, in no table: {vanished}\n" in output


def _all_of_the_newest_claim(_ledger: Any, head: Any, staged: Any, claim: Any) -> ManifestRange:
    assert head
    return ManifestRange(
        {
            o: sorted((m for m in f.values() if m.claim == claim.number), key=lambda m: m.id)
            for o, f in staged.items()
        }
    )


def _anything_goes(_job: str, frontier: dict[int, int], _start: Any, _positions: Any) -> Continuation:
    return Continuation(frontier, ())


def _the_same_rows_under_another_name(topic: RealTopic, number: int) -> list[DeltaFile]:
    """A batch's files, copied: a path that is added twice would be deduplicated by delta-rs itself."""
    warehouse = topic.lake.warehouse
    copied = []
    for file in topic.lake.ledger.required(BATCHES, number).outputs["events"].files:
        path = file.path.replace("part-", "part-again-")
        obstore.put(warehouse.objects, f"events/{path}", warehouse.read(f"events/{file.path}"))
        copied.append(DeltaFile(path, file.size, file.partition, file.statistics))
    return copied
