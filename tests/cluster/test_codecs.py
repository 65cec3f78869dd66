"""Topics compressed with each of Kafka's codecs are verified and hole-checked by the default install."""

from __future__ import annotations

from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from headrace.cluster.kafka import HoleVerdict, create_topic, holes
from headrace.verify.topic_scan import KafkaTopic
from tests.cluster.brokers import Span, transactional
from tests.stack_fixtures import Stack

RECORDS, SIZE = 500, 1000
CODECS = ("gzip", "lz4", "snappy", "zstd")


@pytest.fixture
def bootstrap(stack: Stack) -> str:
    return stack.settings.kafka.bootstrap


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("by", ["broker", "producer"])
def test_a_compressed_topic_is_read_and_its_holes_are_proved(bootstrap: str, codec: str, by: str) -> None:
    """``broker``: Kafka's own Java code compresses what it keeps. ``producer``: kafka-python sends it so."""
    topic = f"codec-{uuid4().hex[:8]}"
    java = by == "broker"
    create_topic(bootstrap, topic, 1, configs={"compression.type": codec if java else "producer"})
    _send(bootstrap, topic, None if java else codec)
    _abort(bootstrap, topic)
    assert _bytes_kept(bootstrap, topic) < RECORDS * SIZE / 5, "it is compressed"

    proofs = holes(bootstrap, topic, [Span(0, 7, 8), Span(0, RECORDS, RECORDS)])
    seen: list[int] = []
    KafkaTopic(bootstrap, topic).scan(lambda _p, offsets: seen.extend(offsets.tolist()))

    assert [p.verdict for p in proofs] == [HoleVerdict.present, HoleVerdict.absent]
    assert seen == [*range(RECORDS)]


def _send(bootstrap: str, topic: str, codec: str | None) -> None:
    # Batches larger than the 32 kB blocks that snappy is framed in.
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, compression_type=codec, batch_size=200_000, linger_ms=50
    )
    for n in range(RECORDS):
        producer.send(topic, f"{n:010d}".encode() * (SIZE // 10), partition=0)
    producer.flush()
    producer.close()


def _abort(bootstrap: str, topic: str) -> None:
    producer = transactional(bootstrap)
    producer.begin_transaction()
    producer.send(topic, b"never", partition=0)
    producer.flush()
    producer.abort_transaction()
    producer.close()


def _bytes_kept(bootstrap: str, topic: str) -> int:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    (broker,) = admin.describe_log_dirs()
    admin.close()
    kept = [t for folder in broker["log_dirs"] for t in folder["topics"] if t["name"] == topic]
    return sum(p["partition_size"] for t in kept for p in t["partitions"])
