"""Starts that are refused before anything runs: they leave no claim, so publish waits for none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kafka import KafkaAdminClient

from headrace.cluster.kafka import create_topic, topic_names
from tests.stack.road import BY_HAND, Road
from tests.stack.waiting import until

MakeRoad = Callable[..., Road]
GAVE_UP = 31
"""What `flink run` exits with when the job's own `main` failed, whatever its exit code."""


def test_unaligned_checkpoints_on_the_command_line_are_refused(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1)
    option = "execution.checkpointing.unaligned.enabled=true"
    output = road.flink("run", "-d", f"-D{option}", "-pym", "jobs.events", expect=GAVE_UP)
    assert f"{option} would let a manifest be sealed without all its files" in output
    assert road.ledger.claims() == []


def test_a_start_from_a_missing_savepoint_is_refused(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1)
    output = road.headrace("run", "events", "-s", f"{road.warehouse.uri}/_flink/nope", expect=2)
    assert "there is no checkpoint or savepoint here" in output
    assert road.ledger.claims() == []


@pytest.mark.usefixtures("by_client")
def test_a_start_on_a_recreated_topic_is_refused(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    road.stop(road.submit())
    before = road.ledger.claims()
    _make_anew(road)
    output = road.headrace("run", "events", expect=3)
    assert f"topic {road.topic} was deleted and created again" in output
    stretch = ("--from-offsets", "0:0", "--to-offsets", "0:1", "--why", "other records")
    output = road.headrace("replay", "plan", "events", *stretch, expect=3)
    assert f"topic {road.topic} was deleted and created again" in output
    assert road.ledger.claims() == before


def _make_anew(road: Road) -> None:
    bootstrap = road.settings.kafka.bootstrap
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_topics([road.topic])
    admin.close()
    until("the topic to be gone", lambda: road.topic not in topic_names(bootstrap))
    create_topic(bootstrap, road.topic, road.partitions)
    until("the topic to be there again", lambda: road.topic in topic_names(bootstrap))


def test_status_shows_the_lake_when_flink_does_not_answer(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE__FLINK__REST", "http://127.0.0.1:1")
    output = road.headrace("status", "events", expect=1)
    assert "Flink does not answer" in output.splitlines()[0]
    assert "nothing yet" in output
