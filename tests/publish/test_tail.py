"""A topic that was recreated or lost its tail: publish stops with the range, until a decision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.cluster.kafka.fake import FakeKafka
from headrace.contract.load import load
from headrace.errors import DecisionNeeded, UsageError
from headrace.ledger import replays
from headrace.ledger.manifests import StagedManifests
from headrace.ledger.records import BATCHES, AcceptLoss, Manifest, SetAside
from headrace.offsets import Span
from headrace.operate.accept import record_accepted_tail
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.publish.sealed_lake import CONTRACT, RECORDS, Lake, by, publish_two_batches


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))


@pytest.mark.parametrize(
    ("change", "reason"),
    [(FakeKafka.recreate, "was deleted and created again"), (FakeKafka.delete, "is gone")],
)
def test_rows_staged_from_another_topic_are_not_published(
    lake: Lake, change: Callable[[FakeKafka, str], object], reason: str
) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 35), bad=range(35, 40))
    change(lake.kafka, "events")
    with pytest.raises(
        DecisionNeeded, match=rf"{reason}.* 10 rows of checkpoints 4 to 4: 0:30-39"
    ) as refused:
        lake.publish()
    assert refused.value.exit_code == 3
    assert "headrace publish events --accept-tail 4" in str(refused.value)
    assert "headrace branch set-aside events 1" in str(refused.value)
    assert lake.ledger.newest(BATCHES) == 2


def test_the_topic_is_asked_before_its_offsets_are_judged(lake: Lake) -> None:
    """A new topic that is shorter is read from its beginning: the overlap is not the error to report."""
    publish_two_batches(lake)
    lake.seal(1, range(5))
    lake.kafka.recreate("events")
    with pytest.raises(DecisionNeeded, match="was deleted and created again"):
        lake.publish()


def test_the_topic_is_asked_after_the_staged_manifests_and_around_the_holes(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id that was read earlier proves nothing of what is staged meanwhile."""
    publish_two_batches(lake)
    lake.seal(1, range(35, 40))
    lake.kafka.compact("events", range(30, 35))
    lake.kafka.questions.clear()
    real = StagedManifests.read

    def read(staged: StagedManifests) -> dict[str, Manifest]:
        lake.kafka.questions.append("staged")
        return real(staged)

    monkeypatch.setattr(StagedManifests, "read", read)
    lake.publish()
    assert lake.kafka.questions[:5] == ["staged", "staged", "topic_state", "holes", "topic_state"]


def test_holes_are_trusted_only_if_the_topic_is_the_same_afterwards(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(35, 40))
    lake.kafka.compact("events", range(30, 35))
    lake.kafka.then = lambda question: question == "holes" and lake.kafka.recreate("events")
    publisher = lake.publisher()
    with pytest.raises(DecisionNeeded, match="was deleted and created again"):
        publisher.publish()
    assert lake.ledger.newest(BATCHES) == 2


def test_an_accepted_tail_is_published_up_to_its_checkpoint_and_no_further(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(32, 35))
    lake.seal(1, range(35, 40))
    lake.kafka.delete("events")
    with pytest.raises(UsageError, match="checkpoint 9 is not one of those that are not published: 4, 5"):
        record_accepted_tail(lake.ledger, *lake.publisher().staged_tail(), 9, "w")
    record_accepted_tail(lake.ledger, *lake.publisher().staged_tail(), 4, "the job had stopped")
    lake.seal(1, range(40, 45))
    lake.publish()
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30)) + by(1, range(32, 35))
    assert lake.ledger.head().frontier == {0: 35}
    assert lake.ledger.required(BATCHES, 3).to_json()["notes"]["unverified"] == ["0:30-31"]
    with pytest.raises(DecisionNeeded, match="10 rows of checkpoints 5 to 6: 0:35-44"):
        lake.publish()


def test_offsets_below_the_published_ones_cannot_be_accepted(lake: Lake) -> None:
    """A new topic begins at 0: the job's consumer moves there by itself, and stages what it reads."""
    publish_two_batches(lake)
    lake.seal(1, range(30, 33))
    lake.seal(1, range(20))
    lake.kafka.recreate("events")
    with pytest.raises(DecisionNeeded, match="23 rows of checkpoints 4 to 5: 0:0-32") as refused:
        lake.publish()
    assert "--accept-tail 4 --why TEXT` publishes the rows up to checkpoint 4" in str(refused.value)
    with pytest.raises(UsageError, match="came out of another topic"):
        record_accepted_tail(lake.ledger, *lake.publisher().staged_tail(), 5, "w")
    record_accepted_tail(lake.ledger, *lake.publisher().staged_tail(), 4, "w")
    lake.publish()
    assert lake.ledger.head().frontier == {0: 33}
    with pytest.raises(DecisionNeeded, match="20 rows of checkpoints 5 to 5: 0:0-19") as refused:
        lake.publish()
    assert "accept-tail" not in str(refused.value)
    assert "branch set-aside events 1 --why TEXT` leaves them" in str(refused.value)


def test_an_accepted_tail_covers_only_the_manifests_it_names(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 35))
    lake.kafka.delete("events")
    record_accepted_tail(lake.ledger, *lake.publisher().staged_tail(), 4, "w")
    lake.ledger.record_decision(SetAside(why="w", claim=1, newest_claim=1))
    lake.newest[1] = (3, lake.ledger.head().manifests["events"])
    other = lake.submit(goes_on=1)
    lake.seal(other, range(30, 38))
    with pytest.raises(DecisionNeeded, match="is gone"):
        lake.publish()


def test_a_tail_of_a_claim_set_aside_does_not_stop_publish(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 35))
    lake.kafka.delete("events")
    lake.ledger.record_decision(SetAside(why="w", claim=1, newest_claim=1))
    assert lake.publish().batches == 0


def test_a_topic_that_lost_published_offsets_stops_publish_until_accepted(lake: Lake) -> None:
    publish_two_batches(lake)
    assert lake.ledger.head().epochs[0] == (0, 0)
    lake.seal(1, range(30, 35))
    lake.kafka.cut("events", 22)
    lake.kafka.send("events", RECORDS)  # and has grown past the frontier since
    with pytest.raises(DecisionNeeded, match="lost offsets that are published: 0:22-29") as refused:
        lake.publish()
    assert "--accept-loss 0:22-29" in str(refused.value)
    lake.ledger.record_decision(AcceptLoss(why="w", spans=(Span.parse("0:22-29"),)))
    assert lake.publish().batches == 1
    lake.seal(1, range(35, 40))
    lake.publish()
    head = lake.ledger.head()
    assert (head.epochs[0], head.tails) == ((1, 22), (Span(0, 22, 29),)), "the ledger never forgets it"


def test_a_topic_that_ends_before_the_frontier_lost_offsets(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 35))
    lake.kafka.cut("events", 28)
    with pytest.raises(DecisionNeeded, match="lost offsets that are published: 0:28-29"):
        lake.publish()


def test_staged_offsets_that_the_topic_lost_are_named_and_published_once_accepted(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 35))
    lake.kafka.cut("events", 32)
    with pytest.raises(DecisionNeeded, match="lost offsets that were read and are not published: 0:32-34"):
        lake.publish()
    record_accepted_tail(lake.ledger, *lake.publisher().staged_tail(), 4, "w")
    lake.publish()
    assert lake.ledger.head().tails == (Span(0, 32, 34),)


def test_a_fork_and_a_bounded_replay_of_another_topic_are_not_published(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    patch = lake.judge("replay", range(5, 8), first=5, end=8)
    redrive = lake.judge("redrive", range(25, 27))
    lake.kafka.recreate("events")
    with pytest.raises(DecisionNeeded, match=r"21 rows .*: 0:10-30") as refused:
        lake.replacer().replace(number, replays.one(lake.ledger, number).fork)
    assert f"replay abort events {number} --why" in str(refused.value)
    with pytest.raises(DecisionNeeded, match=r"records of it: 0:5-7") as refused:
        lake.patcher().publish(patch)
    assert f"patch abort events {patch} --why" in str(refused.value)
    lake.patcher().publish(redrive)  # its payloads came out of quarantine, not out of the topic
    assert lake.ledger.head().batch == 3


def test_a_fork_reads_again_what_the_topic_lost_after_its_fork_point(lake: Lake) -> None:
    number, fork = lake.replay(publish_two_batches(lake))
    lake.seal(fork, range(10, 31))
    lake.kafka.cut("events", 22)
    lake.kafka.send("events", RECORDS)
    lake.replace(number)
    head = lake.ledger.head()
    assert (head.epochs[0], head.tails) == ((1, 22), ()), "the tables hold what the topic holds now"
