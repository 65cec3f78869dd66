"""Records into a real broker."""

from __future__ import annotations

from uuid import uuid4

import pytest

from headrace.cluster.kafka import (
    Message,
    create_topic,
    describe,
    produce,
    producer,
)
from headrace.errors import ClusterError
from tests.cluster.brokers import read
from tests.stack_fixtures import Stack


@pytest.fixture
def bootstrap(stack: Stack) -> str:
    return stack.settings.kafka.bootstrap


@pytest.fixture
def topic(bootstrap: str) -> str:
    name = f"produced-{uuid4().hex[:8]}"
    create_topic(bootstrap, name, 3)
    return name


def test_records_go_round_the_partitions_in_order(bootstrap: str, topic: str) -> None:
    told: list[int] = []

    count = produce(bootstrap, topic, (Message(b"%d" % n) for n in range(5000)), told.append)

    found = read(bootstrap, topic)
    assert count == 5000
    assert told == [2000, 4000, 5000]
    assert {len(records) for records in found.values()} == {1666, 1667}
    for records in found.values():
        numbers = [int(value or b"") for _, value in records]
        assert numbers == sorted(numbers)
    assert sorted(int(v or b"") for records in found.values() for _, v in records) == list(range(5000))


def test_a_tombstone_and_an_empty_value_are_not_the_same(bootstrap: str, topic: str) -> None:
    produce(bootstrap, topic, [Message(None), Message(b""), Message(b"\x00\n\xff")])

    values = [value for records in read(bootstrap, topic).values() for _, value in records]

    assert set(values) == {None, b"", b"\x00\n\xff"}


def test_more_than_is_kept_in_flight(bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer, "STRIDE", 10)
    monkeypatch.setattr(producer, "IN_FLIGHT", 2)

    produce(bootstrap, topic, (Message(b"x") for _ in range(500)))

    assert sum(describe(bootstrap, topic).log_end.values()) == 500


def test_a_record_that_is_too_large_is_an_error(bootstrap: str, topic: str) -> None:
    with pytest.raises(ClusterError, match="a record was not accepted: MessageSizeTooLarge"):
        produce(bootstrap, topic, [Message(b"x"), Message(b"x" * (8 << 20))])


def test_no_such_topic(bootstrap: str) -> None:
    with pytest.raises(ClusterError, match="there is no such topic"):
        produce(bootstrap, "nonesuch", [Message(b"x")])
