"""A stretch of the topic judged once more: only for jobs without state, whose rows are single records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from headrace import settings
from headrace.cluster import kafka
from headrace.errors import DecisionNeeded, UsageError
from headrace.job.program import Program
from headrace.lake import patches
from headrace.lake.ledger import Ledger
from headrace.lake.patches import REPLAY, Patch

Offsets = Mapping[int, int]


def at(program: Program, moment: datetime | None) -> dict[int, int]:
    """Per partition, the first offset that Kafka received at a moment or later."""
    if moment is None:
        raise UsageError("a moment is needed")
    env = settings.load()
    topic = env.kafka.topic(program.contract.topic)
    return kafka.offsets_at(env.kafka.bootstrap, topic, int(moment.timestamp() * 1000))


def ask(ledger: Ledger, program: Program, first: Offsets, end: Offsets, why: str) -> Patch:
    """Record a bounded replay: of each partition the offsets from ``first`` on, below ``end``.

    Raises:
        UsageError: there is nothing in between, or not all of it is published.
        DecisionNeeded: Kafka deleted some of it.
    """
    env, job = settings.load(), ledger.job
    topic = kafka.describe(env.kafka.bootstrap, env.kafka.topic(program.contract.topic))
    begun = {int(p): o for p, o in (ledger.start() or {"offsets": {}})["offsets"].items()}
    frontier = begun | ledger.head().frontier
    if unlike := sorted(first.keys() ^ end.keys()):
        raise UsageError(
            f"partition {unlike[0]} has no {'end' if unlike[0] in first else 'beginning'}",
            remedy="name the same partitions in --from-offsets and --to-offsets",
        )
    stretch = {p: (o, end[p]) for p, o in sorted(first.items()) if o < end[p]}
    if not stretch:
        raise UsageError("there is no record in between", remedy="begin before the end")
    for partition, (from_, to) in stretch.items():
        if to > (reached := frontier.get(partition, 0)):
            raise UsageError(
                f"partition {partition} is published up to {reached:,}, and the replay would end at {to:,}",
                remedy=f"end there, or leave out the end: headrace replay plan {job} … follows the topic",
            )
        if from_ < begun.get(partition, 0):
            raise UsageError(
                f"the job began at {begun[partition]:,} of partition {partition}: it read nothing before",
                remedy="begin there",
            )
        if from_ < (kept := topic.log_start.get(partition, 0)):
            raise DecisionNeeded(
                f"Kafka deleted what the replay would read: partition {partition} begins at {kept:,}",
                where=f"topic {topic.name}",
                remedy="choose a later beginning",
            )
    # The source reads every partition: of one that is not meant, nothing.
    still = {p: frontier.get(p, topic.log_start[p]) for p in topic.log_start}
    asked = Patch(
        number=0,
        kind=REPLAY,
        origin=" ".join(f"{p}:{a}-{b - 1}" for p, (a, b) in stretch.items()),
        why=why,
        by="",
        at="",
        contract_version=program.contract.version,
        records=sum(b - a for a, b in stretch.values()),
        first=still | {p: a for p, (a, _) in stretch.items()},
        end=still | {p: b for p, (_, b) in stretch.items()},
    )
    return patches.record(ledger, asked)
