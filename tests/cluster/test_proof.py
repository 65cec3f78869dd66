"""Which holes Kafka made, asked of a real broker: transactions, compaction, retention, the end of the log."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from headrace.cluster.kafka import Brokers, HoleVerdict, KafkaSource, create_topic, describe, holes, proof
from headrace.errors import ClusterError
from headrace.settings import KafkaSettings
from tests.cluster.brokers import Span, entangle, spans_of, transactional
from tests.stack.waiting import until
from tests.stack_fixtures import Stack


@pytest.fixture
def bootstrap(stack: Stack) -> str:
    return stack.settings.kafka.bootstrap


@pytest.fixture
def topic(bootstrap: str) -> str:
    name = f"holes-{uuid4().hex[:8]}"
    create_topic(bootstrap, name, 2)
    return name


@pytest.fixture
def filled(bootstrap: str, topic: str) -> str:
    """Ten records of 1,000 bytes in partition 0."""
    _fill(bootstrap, topic, 10)
    return topic


def _fill(bootstrap: str, topic: str, count: int) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, batch_size=0)
    for _ in range(count):
        producer.send(topic, b"x" * 1000, partition=0)
    producer.flush()
    producer.close()


def _delete_below(bootstrap: str, topic: str, offset: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_records({TopicPartition(topic, 0): offset})
    admin.close()


def _verdicts(bootstrap: str, topic: str, *spans: Span) -> list[str]:
    by_span = {p.hole: p.verdict.value for p in holes(bootstrap, topic, spans)}
    return [by_span[span] for span in spans]


@pytest.mark.parametrize("records_a_poll", [1, 7, 5000])
def test_transactions_leave_holes_and_every_record_is_seen(
    bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch, records_a_poll: int
) -> None:
    monkeypatch.setitem(proof._CONSUMER, "max_poll_records", records_a_poll)
    records = entangle(bootstrap, topic, 20)
    end = describe(bootstrap, topic).log_end[0]
    gaps = spans_of(sorted(set(range(end)) - set(records)))
    assert gaps[-1].last == end - 1, "the log must end with a hole"
    assert len(gaps) > 15

    assert {p.verdict for p in holes(bootstrap, topic, gaps)} == {HoleVerdict.absent}
    assert {p.verdict for p in holes(bootstrap, topic, spans_of(records))} == {HoleVerdict.present}
    for gap in gaps[:3] + gaps[-3:]:
        assert _verdicts(bootstrap, topic, gap) == ["absent"], (
            "asked alone: the pass begins inside a transaction"
        )
    wide = Span(0, gaps[0].first, gaps[-1].last)
    within = [offset for offset in records if offset > wide.first]
    assert holes(bootstrap, topic, [wide])[0].offsets == tuple(within[: proof.SHOWN])


def test_a_record_is_found_at_either_edge_of_a_span(bootstrap: str, filled: str) -> None:
    first, last = holes(bootstrap, filled, [Span(0, 3, 3), Span(0, 8, 9)])

    assert (first.verdict, first.offsets) == (HoleVerdict.present, (3,))
    assert (last.verdict, last.offsets) == (HoleVerdict.present, (8, 9))


def test_far_holes_are_jumped_to(bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "FAR", 5)
    records = entangle(bootstrap, topic, 20)
    end = describe(bootstrap, topic).log_end[0]
    gaps = spans_of(sorted(set(range(end)) - set(records)))

    assert {p.verdict for p in holes(bootstrap, topic, gaps)} == {HoleVerdict.absent}
    assert {p.verdict for p in holes(bootstrap, topic, spans_of(records))} == {HoleVerdict.present}


def test_an_open_transaction_proves_nothing(bootstrap: str, filled: str) -> None:
    producer = transactional(bootstrap)
    producer.begin_transaction()
    producer.send(filled, b"open", partition=0).get()

    with pytest.raises(ClusterError, match=r"cannot be proved: .* only up to 10"):
        holes(bootstrap, filled, [Span(0, 10, 10)], within_s=1)

    producer.abort_transaction()
    producer.close()
    assert _verdicts(bootstrap, filled, Span(0, 10, 11)) == ["absent"]


@pytest.mark.parametrize("first", [9, 10, 11, 99])
def test_beyond_the_end_nothing_is_proved(bootstrap: str, filled: str, first: int) -> None:
    with pytest.raises(ClusterError, match=r"cannot be proved: .* only up to 10"):
        holes(bootstrap, filled, [Span(0, first, first + 3)], within_s=1)


def test_below_the_log_start_is_loss(bootstrap: str, filled: str) -> None:
    _delete_below(bootstrap, filled, 5)

    verdicts = _verdicts(bootstrap, filled, Span(0, 0, 2), Span(0, 3, 4))

    assert verdicts == ["lost", "lost"]
    assert _verdicts(bootstrap, filled, Span(0, 4, 5)) == ["present"], "a record in it is worse than the loss"


def test_retention_that_overtakes_the_reader_is_loss_too(
    bootstrap: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(bootstrap, topic, 4)
    producer = transactional(bootstrap)
    producer.begin_transaction()
    for _ in range(10):
        producer.send(topic, b"y" * 1000, partition=0)
    producer.flush()  # what is not sent yet, an abort drops
    producer.abort_transaction()
    producer.close()
    _fill(bootstrap, topic, 4)
    monkeypatch.setitem(proof._CONSUMER, "max_partition_fetch_bytes", 1000)  # one record at a time
    monkeypatch.setitem(proof._CONSUMER, "max_poll_records", 1)
    note, taken = proof._Walk._note, []

    def delete_at_the_first_record(walk: proof._Walk[Span], offset: int) -> None:
        note(walk, offset)
        if not taken:
            taken.append(offset)
            _delete_below(bootstrap, topic, 16)

    monkeypatch.setattr(proof._Walk, "_note", delete_at_the_first_record)

    found = holes(bootstrap, topic, [Span(0, 0, 0), Span(0, 5, 14), Span(0, 17, 17)])

    assert [p.verdict for p in found] == [HoleVerdict.present, HoleVerdict.lost, HoleVerdict.present]


@pytest.fixture
def eager_cleaner(bootstrap: str) -> Iterator[None]:
    """A cleaner that looks every 50 ms, not every 15 s."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    key = "log.cleaner.backoff.ms"
    admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", {key: "50"})])
    yield
    admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", {key: "15000"})])
    admin.close()


@pytest.mark.usefixtures("eager_cleaner")
def test_compaction_leaves_holes(bootstrap: str) -> None:
    topic = f"compacted-{uuid4().hex[:8]}"
    eager = {"cleanup.policy": "compact", "segment.ms": "50", "max.compaction.lag.ms": "50"}
    create_topic(bootstrap, topic, 1, configs={**eager, "min.cleanable.dirty.ratio": "0.001"})
    producer = KafkaProducer(bootstrap_servers=bootstrap)

    def send() -> None:
        for number in range(10):
            producer.send(topic, b"value", key=b"key%d" % (number % 3))
        producer.flush()

    send()

    def compacted() -> bool:
        send()  # only what lies before the newest segment is compacted
        return _verdicts(bootstrap, topic, Span(0, 0, 6)) == ["absent"]

    until("the cleaner", compacted)
    assert describe(bootstrap, topic).log_start == {0: 0}
    producer.close()


def test_no_such_partition_and_no_such_topic(bootstrap: str, topic: str) -> None:
    with pytest.raises(ClusterError, match="has no partition 2"):
        holes(bootstrap, topic, [Span(2, 0, 0)])
    with pytest.raises(ClusterError, match="there is no such topic"):
        holes(bootstrap, "nonesuch", [Span(0, 0, 0)])


def test_no_holes_need_no_broker() -> None:
    assert KafkaSource(Brokers(KafkaSettings(bootstrap="127.0.0.1:1")), ()).holes("any", []) == {}
