"""What a replay would do. Planning only reads, so a plan can be reviewed before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from headrace.cluster.kafka import Kafka
from headrace.contract.model import Contract
from headrace.errors import DecisionNeeded, UsageError
from headrace.files import RecordedFile
from headrace.job.assemble import load_program
from headrace.job.program import Program
from headrace.job.ready import require_ready
from headrace.ledger import anchors, fork
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Anchor, ForkPoint, Replay, Size
from headrace.offsets import Offsets
from headrace.publish.frontier import frontier_at
from headrace.publish.progress import branch_progress
from headrace.replay.anchor import anchor_health
from headrace.replay.rate import rate


def from_anchor(kafka: Kafka, ledger: Ledger, number: int, why: str) -> Replay:
    """Restore an anchor's savepoint: keyed state and offsets are as they were then.

    Raises:
        UsageError: there is no such anchor, it has expired, or a replay has replaced the branch there.
        DecisionNeeded: what the job had written there is not published, or Kafka lost what it would read;
            or the lock is stale.
    """
    program, job = load_program(ledger.job), ledger.job
    anchor = anchors.one(ledger, number)
    if number in anchors.expired_numbers(ledger):
        raise UsageError(f"anchor {number} has expired", remedy=f"headrace anchor ls {job}")
    health = anchor_health(ledger, kafka, anchor)
    if health.problems:
        raise DecisionNeeded(
            f"no replay can begin at anchor {number}: {health.problems[0]}",
            where=anchor.path,
            remedy=f"headrace anchor check {job} {number} names all; headrace anchor ls {job} lists others",
        )
    at = fork.at_manifests(ledger, anchor.manifests)
    return _plan(program, ledger, at, f"anchor {number}", why, anchor)


def from_offsets(kafka: Kafka, ledger: Ledger, offsets: Offsets, why: str) -> Replay:
    """Begin without state after the newest published batch that holds nothing at or after these offsets.

    Raises:
        UsageError: the job keeps state, or has no such partition.
        DecisionNeeded: Kafka lost what it would read; or the lock is stale.
    """
    listed = " ".join(f"{p}:{o:,}" for p, o in sorted(offsets.items()))
    return _plan_without_state(kafka, ledger, offsets, f"offsets {listed}", why)


def from_time(kafka: Kafka, ledger: Ledger, moment: datetime, why: str) -> Replay:
    """As :func:`from_offsets`, at the records that Kafka received from that moment on."""
    program = load_program(ledger.job)
    _refuse_state(program, ledger, lambda a: datetime.fromisoformat(a.at) <= moment)
    topic = kafka.topic(program.contract.topic)
    received = kafka.offsets_at(topic, int(moment.timestamp() * 1000))
    # Nothing is published of a partition that was added a moment ago, so there is nothing to replace.
    offsets = {p: o for p, o in received.items() if p in ledger.head().frontier}
    return _plan_without_state(kafka, ledger, offsets, f"{moment.isoformat(timespec='seconds')}", why)


def _plan_without_state(kafka: Kafka, ledger: Ledger, offsets: Offsets, origin: str, why: str) -> Replay:
    program, job = load_program(ledger.job), ledger.job
    _refuse_state(program, ledger, anchors.reads_from(program.reads[0].id, offsets))
    frontier = ledger.head().frontier
    if unknown := sorted(offsets.keys() - frontier.keys()):
        raise UsageError(
            f"nothing of partition {unknown[0]} is published",
            remedy=f"headrace status {job} lists partitions",
        )
    start = ledger.start()
    if start and any(start.offsets.get(p, 0) > o for p, o in offsets.items()):
        raise UsageError(
            "the job began after these offsets: it never read them",
            where=f"job {job}, {origin}",
            remedy=f"headrace status {job}",
        )
    at = fork.at_batch(ledger, fork.newest_within(ledger, offsets))
    _require_records(kafka, program, frontier_at(ledger.warehouse, ledger, program.outputs, at))
    planned = _plan(program, ledger, at, origin, why, None)
    if not planned.records:
        raise UsageError(
            "nothing is published at or after that point",
            where=f"job {job}, {origin}",
            remedy=f"headrace status {job} shows the frontier",
        )
    return planned


def _refuse_state(program: Program, ledger: Ledger, early: Callable[[Anchor], bool]) -> None:
    """Refuse a job with state: its replays restore an anchor. Names one that begins early enough."""
    if program.contract.job_has_state:
        raise UsageError(
            f"job {ledger.job} keeps state that offsets cannot restore: its replays begin at an anchor",
            remedy=anchors.replay_command(ledger, early),
        )


def _plan(
    program: Program, ledger: Ledger, at: ForkPoint, origin: str, why: str, anchor: Anchor | None
) -> Replay:
    reached = frontier_at(ledger.warehouse, ledger, program.outputs, at) if program.contract.has_topic else {}
    replaced = fork.files_after(ledger, at)
    positions = anchor.positions if anchor else {program.contract.id: reached}
    return Replay(
        origin=origin,
        why=why,
        fork=at,
        savepoint=anchor.path if anchor else None,
        anchor=anchor.number if anchor else None,
        frontier=reached,
        positions={c: dict(offsets) for c, offsets in positions.items()},
        replaces={output: _size(files) for output, files in replaced.items()},
        records=_records(ledger, positions, program.contract),
        contract_version=program.contract.version,
        program=require_ready(ledger, program),
        rate=rate(ledger, program.job.checkpoint_interval),
    )


def _records(ledger: Ledger, start: Mapping[str, Offsets], contract: Contract) -> int:
    """How many offsets the branch has read after the place where the fork begins."""
    ends = branch_progress(ledger.warehouse, ledger, has_positions=contract.has_topic).positions
    return sum(
        max(0, o - start.get(c, {}).get(p, 0)) for c, offsets in ends.items() for p, o in offsets.items()
    )


def _size(files: Sequence[RecordedFile]) -> Size:
    return Size(files=len(files), rows=sum(f.rows for f in files), bytes=sum(f.size for f in files))


def _require_records(kafka: Kafka, program: Program, start: Offsets) -> None:
    """Refuse where Kafka no longer has what the fork would read: the fork would skip it silently."""
    topic = kafka.describe(kafka.topic(program.contract.topic))
    for partition, offset in sorted(start.items()):
        if offset < (first := topic.log_start.get(partition, 0)):
            raise DecisionNeeded(
                f"Kafka deleted what the replay would read: partition {partition} begins at {first:,},"
                f" the replay at {offset:,}",
                where=f"topic {topic.name}",
                remedy="choose a later offset or time",
            )
