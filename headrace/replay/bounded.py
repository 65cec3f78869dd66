"""Judge part of a topic again: only for jobs without state, where each row is one record."""

from __future__ import annotations

from datetime import datetime

from headrace.cluster.kafka import Kafka, TopicInfo
from headrace.errors import DecisionNeeded, UsageError
from headrace.job.program import Program
from headrace.job.ready import require_ready
from headrace.job.start.begin import require_same_topic
from headrace.ledger import patches
from headrace.ledger.ledger import Ledger
from headrace.ledger.patches import REPLAY
from headrace.ledger.records import Patch
from headrace.ledger.replays import as_option
from headrace.offsets import Offsets


def offsets_since(kafka: Kafka, ledger: Ledger, program: Program, moment: datetime) -> dict[int, int]:
    """Per partition, the first offset that Kafka received at a moment or later.

    Raises:
        DecisionNeeded: Kafka deleted offsets before its first one, and nothing says when it received them.
    """
    topic = kafka.topic(program.contract.topic)
    offsets = kafka.offsets_at(topic, int(moment.timestamp() * 1000))
    kept = kafka.describe(topic).log_start
    began_at = start.offsets if (start := ledger.start()) else {}
    for partition, offset in offsets.items():
        if offset == kept.get(partition) and began_at.get(partition, 0) < offset:
            raise DecisionNeeded(
                f"Kafka deleted offsets of partition {partition} before {offset:,}: whether it received them"
                f" since {moment.isoformat()} is unknown",
                where=f"topic {topic}",
                remedy="choose a later moment; or name offsets, with --from-offsets",
            )
    return offsets


def request_bounded_replay(
    kafka: Kafka, ledger: Ledger, program: Program, first: Offsets, end: Offsets, why: str
) -> Patch:
    """Record the request of a bounded replay: of each partition the offsets from ``first`` on, below ``end``.

    Raises:
        UsageError: there is no record in between, or not all of it is published.
        DecisionNeeded: Kafka deleted some of it.
    """
    job, judged_by = ledger.job, require_ready(ledger, program)
    topic = kafka.describe(kafka.topic(program.contract.topic))
    require_same_topic(ledger, topic)
    began_at = start.offsets if (start := ledger.start()) else {}
    frontier = began_at | ledger.head().frontier
    _refuse_one_sided(first, end)
    ranges = {p: (o, end[p]) for p, o in sorted(first.items()) if o < end[p]}
    if not ranges:
        raise UsageError("there is no record in between", remedy="begin before the end")
    for partition, (from_, _) in ranges.items():
        _refuse_unreadable(job, topic, partition, from_, began_at.get(partition, 0))
    _refuse_unpublished(job, first, end, frontier)
    # The source reads every partition: from one that was not asked for, nothing.
    still = {p: frontier.get(p, topic.log_start[p]) for p in topic.log_start}
    request = Patch(
        kind=REPLAY,
        origin=" ".join(f"{p}:{a}-{b - 1}" for p, (a, b) in ranges.items()),
        why=why,
        contract_version=program.contract.version,
        program=judged_by,
        records=sum(b - a for a, b in ranges.values()),
        first=still | {p: a for p, (a, _) in ranges.items()},
        end=still | {p: b for p, (_, b) in ranges.items()},
    )
    return patches.record_patch(ledger, request)


def _refuse_one_sided(first: Offsets, end: Offsets) -> None:
    """Refuse a partition that has only a beginning or only an end."""
    if one_sided := sorted(first.keys() ^ end.keys()):
        raise UsageError(
            f"partition {one_sided[0]} has no {'end' if one_sided[0] in first else 'beginning'}",
            remedy="name the same partitions in --from-offsets and --to-offsets",
        )


def _refuse_unpublished(job: str, first: Offsets, end: Offsets, frontier: Offsets) -> None:
    """Refuse an end after what is published."""
    for partition, to in sorted(end.items()):
        if first[partition] < to and to > (reached := frontier.get(partition, 0)):
            raise UsageError(
                f"partition {partition} is published up to {reached:,}, and the replay would end at {to:,}",
                remedy=_ends_earlier(job, first, end, frontier),
            )


def _refuse_unreadable(job: str, topic: TopicInfo, partition: int, first: int, began_at: int) -> None:
    """Refuse a beginning that the job never read, or that Kafka no longer holds."""
    if partition not in topic.log_start:
        raise UsageError(
            f"there is no partition {partition}",
            where=f"topic {topic.name}",
            remedy=f"headrace status {job} lists them",
        )
    if first < began_at:
        raise UsageError(
            f"the job began at {began_at:,} of partition {partition}: it read nothing before",
            remedy="begin there",
        )
    if first < (kept := topic.log_start[partition]):
        raise DecisionNeeded(
            f"Kafka deleted what the replay would read: partition {partition} begins at {kept:,}",
            where=f"topic {topic.name}",
            remedy="choose a later beginning",
        )


def _ends_earlier(job: str, first: Offsets, end: Offsets, frontier: Offsets) -> str:
    """The commands for the same replay as far as it is published, and for one without an end."""
    from_, to = as_option(first), as_option({p: min(o, frontier.get(p, 0)) for p, o in end.items()})
    return (
        f"headrace replay plan {job} --from-offsets {from_} --to-offsets {to} --why TEXT ends there;"
        f" headrace replay plan {job} --from-offsets {from_} --why TEXT follows the topic"
    )
