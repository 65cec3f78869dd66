"""A topic that is deleted and created again under a running job: the tables get nothing from the new one."""

from __future__ import annotations

import json
from collections.abc import Callable

from kafka import KafkaAdminClient

from headrace.cluster.kafka import create_topic, topic_state
from tests.stack.road import BY_HAND, Road, every
from tests.stack.waiting import until

MakeRoad = Callable[..., Road]


def test_nothing_is_published_of_a_topic_recreated_while_flink_restarts(make_road: MakeRoad) -> None:
    """Flink's own restart never runs ``main``: it continues at offset 200 of another topic."""
    road = make_road(parallelism=1, options=BY_HAND)
    road.produce(range(400))
    job = road.submit()
    road.settle(job, claim=1)
    road.publish()
    assert "proved" in str(road.verified()["verdict"])

    restored = road.checkpoints(job)["counts"]["restored"]
    road.stack.kill_taskmanager()
    _recreate(road)
    road.produce(range(1000, 2000))
    road.stack.start_taskmanager()
    until("Flink to restart it", lambda: road.checkpoints(job)["counts"]["restored"] > restored)
    road.running(job)
    road.settle(job, claim=1)

    refused = road.headrace("publish", "events", expect=3)
    assert "was deleted and created again" in refused
    assert "600 rows" in refused
    assert "0:200-499, 1:200-499" in refused
    assert road.homes() == every({0: 200, 1: 200}), "not a row of the new topic"
    for arguments in ((), ("--batch", "1")):
        answer = road.verified(*arguments, expect=1)
        assert (answer["verdict"], answer["findings"][0]["kind"]) == ("unproved", "other")
    status = road.headrace("status", "events")
    assert "was deleted and created again" in status
    assert "branch ls" not in status + refused
    answer = json.loads(road.headrace("status", "events", "-o", "json"))
    assert (answer["lag"], answer["topics_changed"][0]["topic"]) == ({}, road.topic)

    last = max(m.checkpoint for m in road.staged().values())
    accept = ("publish", "events", "--accept-tail", str(last), "--why", "w")
    assert f"--accept-tail {last}" in refused
    assert "needs a reason" in road.headrace(*accept[:4], expect=2)
    road.headrace("branch", "set-aside", "events", "1", "--why", "rows of another topic")
    assert "nothing new" in road.headrace("publish", "events")
    restarted = road.headrace("branch", "restart", "events", "--why", "read on", expect=3)
    assert "The next start cannot continue in it" in restarted
    road.headrace("branch", "set-aside", "events", "1", "--undo", "--why", "they are wanted after all")
    road.headrace(*accept)
    assert road.homes() == every({0: 500, 1: 500}), "published on a person's word"
    assert road.verified(expect=1)["verdict"] == "unproved"


def _recreate(road: Road) -> None:
    bootstrap = road.settings.kafka.bootstrap
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_topics([road.topic])
    admin.close()
    until("the topic to be gone", lambda: topic_state(bootstrap, road.topic, {}).id is None)
    create_topic(bootstrap, road.topic, road.partitions)
