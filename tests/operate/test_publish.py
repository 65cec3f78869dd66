"""Publishing is a function: once, to the end of the topic, or until an event is set."""

from __future__ import annotations

import threading

import pytest

from headrace.cluster.kafka.fake import FakeKafka
from headrace.errors import ClusterError, UsageError
from headrace.offsets import Span
from headrace.operate import (
    Publication,
    Workspace,
    accept_loss,
    accept_tail,
    publish_staged,
    publish_until,
    publish_whole_topic,
)
from tests.publish.sealed_lake import Lake, publish_two_batches


def test_what_is_staged_is_published_once(sealed: Lake, workspace: Workspace) -> None:
    publish_two_batches(sealed)
    sealed.seal(1, range(30, 33))

    document = publish_staged(workspace, "events").to_json()

    assert (document["batch"], document["batches"], document["frontier"]) == (3, 1, {0: 33})
    assert publish_staged(workspace, "events").published.batches == 0


def test_a_following_publisher_stops_on_its_event_and_misses_nothing(
    sealed: Lake, workspace: Workspace
) -> None:
    publish_two_batches(sealed)
    sealed.seal(1, range(30, 33))
    stop, made = threading.Event(), list[Publication]()

    def report(publication: Publication) -> None:
        made.append(publication)
        if len(made) == 1:
            sealed.seal(1, range(33, 35))
            stop.set()

    publish_until(workspace, "events", stop, report, every_s=0)

    assert [p.published.head.batch for p in made] == [3, 4]
    assert sealed.ledger.head().frontier == {0: 35}


def test_the_end_of_a_topic_is_reached_within_the_deadline_or_the_rest_is_named(
    workspace: Workspace, sealed: Lake
) -> None:
    publish_two_batches(sealed)

    with pytest.raises(ClusterError, match="not all is published after 0 s"):
        publish_whole_topic(workspace, "events", within_s=0)


def test_only_what_kafka_lost_is_accepted_as_lost(
    sealed: Lake, workspace: Workspace, kafka: FakeKafka
) -> None:
    publish_two_batches(sealed)

    with pytest.raises(UsageError, match="0:30-31 is not lost: Kafka still shows what is there"):
        accept_loss(workspace, "events", [Span(0, 30, 31)], "w")
    with pytest.raises(UsageError, match="this needs a reason"):
        accept_loss(workspace, "events", [Span(0, 30, 31)], "")
    with pytest.raises(UsageError, match="this needs a reason"):
        accept_tail(workspace, "events", 1, "")
    kafka.delete_below("events", 32)

    done = accept_loss(workspace, "events", [Span(0, 30, 31)], "the disk is gone")

    assert done.to_json() == {"decision": 1, "spans": ["0:30-31"], "undone": False}
    assert accept_loss(workspace, "events", [Span(0, 30, 31)], "found again", undo=True).undone
