"""Sends records to a topic, fast and each exactly once: for the demo and the benchmarks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from headrace.cluster.kafka.topics import PATIENCE_MS, describe, kafka_error, where
from headrace.errors import ClusterError

STRIDE = 2_000
"""Records between two progress reports."""

IN_FLIGHT = 25
"""Strides that may be unacknowledged: the client itself would buffer without limit."""

ACKNOWLEDGED_WITHIN_S = 120

Sent = Callable[[int], None]
"""Called from time to time with the number of records sent so far."""

OPTIONS = {
    "acks": "all",
    "enable_idempotence": True,
    "linger_ms": 50,
    "batch_size": 512 << 10,
    "max_request_size": 4 << 20,
    "bootstrap_timeout_ms": PATIENCE_MS,
    # Without C code, the checksum takes 6 s for 100 MB; over the compressed bytes it takes little.
    "compression_type": "gzip",
    "metrics_enabled": False,
}


class Message(NamedTuple):
    """One record. ``value`` None is a tombstone; records without a key go round-robin to the partitions."""

    value: bytes | None
    key: bytes | None = None


def produce(bootstrap: str, topic: str, messages: Iterable[Message], sent: Sent = lambda _count: None) -> int:
    """Send all messages, wait until all replicas have acknowledged each, and return their number.

    Within a partition they keep their order. A keyed message goes where Java's producer would send it.

    Raises:
        ClusterError: no such topic, or at least one record was not accepted.
    """
    partitions = describe(bootstrap, topic).partitions
    try:
        producer = KafkaProducer(bootstrap_servers=bootstrap, **OPTIONS)
    except KafkaError as e:
        raise kafka_error(e, bootstrap, topic) from e
    failures: list[BaseException] = []
    count = 0
    try:
        window: deque[Any] = deque()
        for count, message in enumerate(messages, 1):
            future = send(producer, topic, message, count % partitions).add_errback(failures.append)
            if count % STRIDE == 0:
                sent(count)
                window.append(future)
                if len(window) > IN_FLIGHT:
                    window.popleft().get(ACKNOWLEDGED_WITHIN_S)
        producer.flush(ACKNOWLEDGED_WITHIN_S)
    except KafkaError as e:
        failures.append(e)
    finally:
        producer.close(PATIENCE_MS / 1000)
    if failures:
        reason = f"{type(failures[0]).__name__}: {failures[0]}".splitlines()[0][:300]
        raise ClusterError(
            f"a record was not accepted: {reason}",
            where=where(bootstrap, topic),
            remedy="others may have been: check the topic's offsets before sending again",
            handed_over=count,
        )
    sent(count)
    return count


def send(producer: Any, topic: str, message: Message, turn: int) -> Any:
    """Pass one record to the client, and return its future; without a key, it goes to partition ``turn``."""
    value, key = message
    if key is not None:
        return producer.send(topic, value, key=key)
    # The client requires a key for a tombstone, and would choose the partition by it.
    return producer.send(topic, value, key=b"" if value is None else None, partition=turn)
