"""A topic that is deleted and created again, on a real broker: while publish looks, or verify."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.cluster.kafka import describe, topic_state
from headrace.errors import DecisionNeeded
from headrace.ledger.manifests import StagedManifests
from headrace.ledger.records import BATCHES, Manifest
from headrace.offsets import OffsetArray
from headrace.settings import Store
from headrace.storage.warehouse import connect
from headrace.verify import topic_scan as _topic_scan
from headrace.verify.topic_scan import Extent, KafkaTopic, OnOffsets, ScanProgress
from tests.cli.remedies import Terminal
from tests.publish.real_topic import RealTopic
from tests.stack.submitting import look_in
from tests.stack_fixtures import Stack


@pytest.fixture
def topic(stack: Stack, tmp_path: Path) -> RealTopic:
    """200 records, 150 published, and 50 staged."""
    made = RealTopic(stack.settings.kafka.bootstrap, connect(Store(warehouse=f"file://{tmp_path}/lake")))
    made.stage(150)
    made.publish()
    made.stage(50)
    return made


class Watched(StagedManifests):
    """The staged manifests of an output, with a callback as soon as they are read."""

    happens: Callable[[], None]

    def read(self) -> dict[str, Manifest]:
        manifests = super().read()
        self.happens()
        return manifests


@pytest.mark.parametrize("records", [500, 20, None], ids=["longer", "shorter", "gone"])
def test_a_topic_that_changes_between_reading_and_publishing_is_refused(
    topic: RealTopic, records: int | None
) -> None:
    """An id that was read earlier would prove nothing of what was staged meanwhile."""

    def change() -> None:
        if topic.current() == topic.id:
            topic.delete() if records is None else topic.recreate(records)

    publisher = topic.publisher()
    publisher.tables.staged["events"] = watched = Watched(topic.lake.warehouse, "events")
    watched.happens = change
    with pytest.raises(DecisionNeeded, match="0:150-199"):
        publisher.publish()
    assert topic.lake.ledger.newest(BATCHES) == 1
    reason = "is gone" if records is None else "was deleted and created again"
    with pytest.raises(DecisionNeeded, match=reason):
        topic.publish()


class Changing(KafkaTopic):
    """A topic that changes while it is read."""

    happens: Callable[[], None]

    def scan(
        self, on_offsets: OnOffsets, tick: ScanProgress = lambda _done, _total: None
    ) -> dict[int, Extent]:
        def handed_over(partition: int, offsets: OffsetArray) -> None:
            on_offsets(partition, offsets)
            self.happens()

        return super().scan(handed_over, tick)


@pytest.mark.parametrize("records", [500, 20, None], ids=["longer", "shorter", "gone"])
@pytest.mark.parametrize("when", ["before", "during"])
def test_another_topic_proves_nothing(
    topic: RealTopic, records: int | None, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the table has rows, the new one has records: offsets alone would prove it."""
    monkeypatch.setattr(_topic_scan, "STALLED_SECONDS", 10)  # a deleted topic delivers nothing more

    def change() -> None:
        if topic.current() == topic.id:
            topic.delete() if records is None else topic.recreate(records)

    topic.publish()
    assert topic.verify().verdict == "proved"
    reader = Changing(topic.bootstrap, topic.name)
    object.__setattr__(reader, "happens", change)
    if when == "before":
        change()
    for batch in (1, 2):
        verification = topic.verify(reader, batch)
        assert (verification.verdict, verification.findings[0].kind) == ("unproved", "other")
        assert verification.sentence().startswith("not provable from Kafka any more: ")


@pytest.fixture
def terminal(
    topic: RealTopic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """The command line of a project whose warehouse is the topic's."""
    project = Path(__file__).parents[1] / "stack/project"
    monkeypatch.setenv("HEADRACE_PROJECT", str(project))
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", topic.lake.warehouse.uri)
    look_in(str(project))
    return Terminal(capsys)


def test_a_restart_is_decided_in_the_same_topic_only(topic: RealTopic, terminal: Terminal) -> None:
    restart = "branch restart events --why 'the bucket lost its checkpoints'"
    assert terminal.type(restart)[0] == 0
    topic.recreate(500)
    code, output = terminal.type(restart)
    assert (code, "was deleted and created again" in output, "cannot continue in it" in output) == (
        3,
        True,
        True,
    )
    topic.delete()
    code, output = terminal.type(restart)
    assert (code, "is gone" in output) == (3, True)
    assert [d.action for d in topic.lake.ledger.decisions()] == ["restart"]


def test_an_unchanged_topic_is_published_with_its_epoch(topic: RealTopic) -> None:
    topic.publish()
    head = topic.lake.ledger.head()
    assert (head.frontier, head.epochs, head.tails) == ({0: 200}, {0: (0, 0)}, ())
    state = topic_state(topic.bootstrap, topic.name, head.epochs)
    assert (state.id, state.ends, state.kept) == (topic.id, {0: 200}, {0: 200})
    assert describe(topic.bootstrap, topic.name).epochs == {0: 0}
