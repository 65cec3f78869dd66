"""Topics on a real broker."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from kafka import KafkaAdminClient

from headrace.cluster.kafka import Message, create_topic, describe, produce, topic_names
from headrace.errors import ClusterError
from tests.stack.waiting import until
from tests.stack_fixtures import Stack


@pytest.fixture
def bootstrap(stack: Stack) -> str:
    return stack.settings.kafka.bootstrap


@pytest.fixture
def name() -> str:
    return f"topic-{uuid4().hex[:8]}"


def test_a_topic_is_made_once(bootstrap: str, name: str) -> None:
    first, made = create_topic(bootstrap, name, 3)
    second, again = create_topic(bootstrap, name, 3)

    assert (made, again) == (True, False)
    assert first == second == describe(bootstrap, name)
    assert first.log_start == first.log_end == {0: 0, 1: 0, 2: 0}
    assert UUID(first.id)
    assert name in topic_names(bootstrap)


def test_another_number_of_partitions_is_an_error(bootstrap: str, name: str) -> None:
    create_topic(bootstrap, name, 3)

    with pytest.raises(ClusterError, match="exists with 3 partitions, and the contract has 4") as refused:
        create_topic(bootstrap, name, 4)

    assert refused.value.facts == {"actual": 3, "wanted": 4}


def test_a_recreated_topic_has_another_id(bootstrap: str, name: str) -> None:
    before, _ = create_topic(bootstrap, name, 1)
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_topics([name])
    admin.close()
    until("the broker to know it", lambda: name not in topic_names(bootstrap))

    after, made = create_topic(bootstrap, name, 1)

    assert made
    assert after.id != before.id


def test_offsets_grow(bootstrap: str, name: str) -> None:
    create_topic(bootstrap, name, 2)
    produce(bootstrap, name, [Message(b"x")] * 5)

    found = describe(bootstrap, name)

    assert sorted(found.log_end.values()) == [2, 3]
    assert found.to_json()["partitions"][0].keys() == {"partition", "from", "to"}


def test_no_such_topic(bootstrap: str) -> None:
    with pytest.raises(ClusterError, match="there is no such topic") as refused:
        describe(bootstrap, "nonesuch")

    assert refused.value.remedy == "create it, or correct the contract that names it"


def test_a_name_that_kafka_refuses(bootstrap: str) -> None:
    with pytest.raises(ClusterError, match="InvalidTopic"):
        create_topic(bootstrap, "not a name", 1)
