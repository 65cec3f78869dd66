"""Publish until all is published that an ingest job's topic held at one moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from headrace.errors import ClusterError, UsageError
from headrace.offsets import Span
from headrace.publish.publisher import Published, Publisher
from headrace.publish.topics import TopicSource

OFFSETS_QUERIED_AT_MOST = 10_000
"""Offsets of which Kafka is asked whether they hold records: a topic often ends in a transaction's marker."""
POLL_S = 0.5


def publish_to_end(publisher: Publisher, within_s: float, report: Callable[[Published], None]) -> None:
    """Publish again and again until nothing is left of what the topic holds now.

    Args:
        publisher: an ingest job's.
        within_s: seconds; what is published by then stays published.
        report: is given what each look published, if that was something.

    Raises:
        UsageError: the job never ran, so its starting offsets are unknown.
        ClusterError: the deadline has passed; names the offsets that are left.
    """
    ledger, deadline = publisher.tables.ledger, time.monotonic() + within_s
    start = ledger.start()
    if start is None:
        raise UsageError(f"job {ledger.job} never ran", remedy=f"headrace run {ledger.job}")
    ends = publisher.tables.source.topic_state(start.topic, {}).ends
    while True:
        published = publisher.publish()
        if published.batches:
            report(published)
        left = unpublished_spans(
            publisher.tables.source, start.topic, ends, start.offsets | published.head.frontier
        )
        if not left:
            return
        if time.monotonic() > deadline:
            raise ClusterError(
                f"not all is published after {within_s:g} s: {', '.join(map(str, left))} are left",
                where=f"topic {start.topic}",
                remedy=f"headrace status {ledger.job}",
            )
        time.sleep(POLL_S)


def unpublished_spans(
    source: TopicSource, topic: str, ends: Mapping[int, int], frontier: Mapping[int, int]
) -> list[Span]:
    """The offsets below ``ends`` that are not published and may hold records; empty once all are published.

    Args:
        source: how to ask Kafka.
        topic: the topic's whole name.
        ends: partition → the offset that its next record was to get.
        frontier: partition → the offset up to which everything is published, or at which the job began.
    """
    open_ = ((p, frontier.get(p, 0), end) for p, end in sorted(ends.items()))
    left = [Span(p, first, end - 1) for p, first, end in open_ if first < end]
    if not left or sum(s.last - s.first + 1 for s in left) > OFFSETS_QUERIED_AT_MOST:
        return left
    verdicts = source.holes(topic, left)
    return [span for span in left if verdicts[span] != "absent"]
