"""Holes in the offsets: Kafka's own are accepted, retention's are a loss that a person must accept (G1)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from headrace.errors import DecisionNeeded
from headrace.ledger.records import BATCHES, AcceptLoss, PublishBatch
from headrace.offsets import Span
from tests.stack.road import BY_HAND, Road, event

MakeRoad = Callable[..., Road]


def _status(road: Road) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(road.headrace("status", "events", "-o", "json"))
    return status


def transaction(road: Road, numbers: range, *, commit: bool) -> None:
    producer = KafkaProducer(
        bootstrap_servers=road.settings.kafka.bootstrap, transactional_id=f"{road.name}-tx"
    )
    producer.init_transactions()
    producer.begin_transaction()
    for n in numbers:
        producer.send(road.topic, event(n), partition=0)
    if commit:
        producer.commit_transaction()
    else:
        producer.flush()
        producer.abort_transaction()
    producer.close()


def test_aborted_records_and_markers_are_not_holes(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    transaction(road, range(100), commit=True)
    transaction(road, range(100, 150), commit=False)
    transaction(road, range(150, 250), commit=True)
    job = road.submit()
    road.settle(job, claim=1)
    road.publish()
    ids = [i for (i,) in road.rows(columns=("id",))]
    assert ids == [*range(100), *range(150, 250)]
    batch = road.ledger.get(BATCHES, 1)
    assert isinstance(batch, PublishBatch)
    assert batch.notes.holes, "markers and aborted records are noted"
    road.headrace("verify", "events")
    assert _status(road)["lag"] == {"0": 0, "1": 0}, "after the frontier is a marker, not a record"
    transaction(road, range(250, 260), commit=True)
    transaction(road, range(260, 280), commit=False)
    status = _status(road)
    assert status["lag_records"] == 10, "offsets of markers and of aborted records are not counted"
    assert status["lag"]["0"] > 30
    _delete_below(road, 160)
    output = road.headrace("verify", "events")
    assert "older offsets without a record, as the ledger records" in output


def test_records_deleted_before_they_were_read_are_a_loss_to_be_accepted(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    road.produce(range(100), partition=0)
    job = road.submit()
    road.settle(job, claim=1)
    road.publish()
    road.stop(job)
    road.produce(range(100, 200), partition=0)
    _delete_below(road, 150)
    assert _status(road)["foreseen"] == {"stops": [], "deleted": ["0:100-149"], "unread_files": 0}
    again = road.submit()
    road.produce(range(200, 210), partition=0)
    road.settle(again, claim=2)
    with pytest.raises(DecisionNeeded, match=r"0:100-149") as refused:
        road.publish()
    assert [e["what"] for e in _status(road)["foreseen"]["stops"]] == [refused.value.what]
    output = road.headrace("publish", "events", expect=3)
    assert "--accept-loss 0:100-149" in output
    for span, wrong in (("0:149-100", "is not P:FROM-TO"), ("0:150-152", "is not lost")):
        assert wrong in road.headrace("publish", "events", "--accept-loss", span, "--why", "x", expect=2)
    road.ledger.record_decision(AcceptLoss(why="too soon", spans=(Span.parse("0:100-149"),)))
    road.headrace("publish", "events", "--accept-loss", "0:100-149", "--undo", "--why", "ask first")
    road.headrace("publish", "events", expect=3)
    road.headrace("publish", "events", "--accept-loss", "0:100-149", "--why", "retention was too short")
    undo = ("publish", "events", "--accept-loss", "0:100-149", "--undo", "--why", "too late")
    assert "already published" in road.headrace(*undo, expect=2)
    assert [o for _, o in road.homes()] == [*range(100), *range(150, 210)]
    assert _status(road)["accepted_losses"] == ["0:100-149"]
    assert "except 50 that were lost before they were read" in road.headrace("verify", "events")
    plan = ("replay", "plan", "events", "--why", "test")
    output = road.headrace(*plan, "--from-offsets", "0:100", "--to-offsets", "0:200", expect=3)
    assert "Kafka deleted what the replay would read: partition 0 begins at 150" in output
    output = road.headrace(*plan, "--from-time", "2020-01-01", "--to", "2099-01-01", expect=3)
    assert "Kafka deleted offsets of partition 0 before 150" in output
    output = road.headrace(*plan, "--from-offsets", "7:1", "--to-offsets", "7:2", expect=2)
    assert "there is no partition 7" in output


def _delete_below(road: Road, offset: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=road.settings.kafka.bootstrap)
    admin.delete_records({TopicPartition(road.topic, 0): offset})
    admin.close()
