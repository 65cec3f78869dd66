"""Proof of G1 from Kafka itself: at the versions of a batch, each offset below the frontier has one home.

No code is shared with publish: the batch is looked up in the Delta logs, rows are read from the files and not
from statistics, and the records are those that a consumer receives. So a fault of publish, of a manifest or
of the ledger cannot hide itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headrace.errors import ClusterError
from headrace.verify import marks as m
from headrace.verify.batch_tables import tables_of_batch
from headrace.verify.evidence import Evidence, Ranges, RecordedHoles, TopicAtBatch
from headrace.verify.findings import NO_PARTITION, DoubledFile, Finding, Verification
from headrace.verify.homes import Homes, Tick, doubled_files
from headrace.verify.marks import Range
from headrace.verify.topic_scan import Extent

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from headrace.offsets import Epoch
    from headrace.storage.warehouse import Warehouse
    from headrace.verify.topic_scan import Topic

LOST = "the topic lost offsets that are published, and may have given them to other records"


def verify(
    warehouse: Warehouse,
    table: str,
    topic: Topic,
    evidence: Evidence,
    *,
    batch: int | None = None,
    tick: Tick = lambda _step, _done, _total: None,
) -> Verification:
    """Compare a table and its quarantine with the topic that they came from.

    Args:
        warehouse: where the tables are.
        table: the contract's id, also the job's.
        topic: the contract's topic, in Kafka.
        evidence: what was recorded of the batch.
        batch: the batch whose table versions are verified; the newest that both tables hold if None.
        tick: called with the progress of each step.

    Raises:
        UsageError: the tables do not exist, do not hold that batch any more, or carry no positions.
        ClusterError: Kafka or the object store does not answer, or the topic does not exist.
    """
    number, tables = tables_of_batch(warehouse, table, batch)
    homes = Homes(table, f"{table}__quarantine")
    for name, delta in tables.items():
        homes.read(name, delta, tick)
    # Read after the tables: every row that they hold is below the end that Kafka reports now.
    extents, other = _scan(topic, evidence.topic_id(), homes, tick)
    if other:
        return _without_topic(topic, number, tables, homes, other, tick)
    at_batch, files = evidence.topic_at(number), evidence.file_rows(number)
    for partition, rows in files.items():
        homes.marks[partition].mark(np.arange(rows), m.TOPIC)
        extents[partition] = Extent(0, rows)
    proofs, findings, frontier = [], homes.rows_without_position(), {**at_batch.frontier, **files}
    for partition in sorted({*extents, *homes.marks, *frontier}):
        extent = extents.get(partition, Extent(0, 0))
        reach = max(homes.reach(partition), frontier.get(partition, 0))
        proofs.append(homes.proof(partition, extent, reach))
        findings += homes.findings(partition, extent, reach)
    findings = _with_losses(findings, extents, at_batch)
    findings, aged = _without_recorded_holes(findings, evidence, number)
    return Verification(
        table=table,
        topic=topic.name,
        batch=number,
        versions={name: int(delta.version()) for name, delta in tables.items()},
        partitions=tuple(proofs),
        findings=tuple(findings),
        aged_holes=aged,
        places=_places(findings, tables, homes, tick),
    )


def _places(
    findings: Sequence[Finding], tables: dict[str, DeltaTable], homes: Homes, tick: Tick
) -> tuple[DoubledFile, ...]:
    if not any(f.kind == "doubled" for f in findings):
        return ()
    return tuple(doubled_files(tables, homes, tick))


def _scan(topic: Topic, id_at_start: str | None, homes: Homes, tick: Tick) -> tuple[dict[int, Extent], str]:
    """Mark the records of the topic; or return why it is not the one that the job read.

    Ids never return: one that is right after the scan was right all along.
    """
    if id_at_start and (now := topic.id()) != id_at_start:
        return {}, _other_topic(topic, id_at_start, now)
    try:
        extents = topic.scan(
            lambda partition, offsets: homes.marks[partition].mark(offsets, m.TOPIC),
            lambda done, total: tick(f"reading topic {topic.name}", done, total),
        )
    except ClusterError:
        if id_at_start is None or (now := topic.id()) == id_at_start:
            raise
        return {}, _other_topic(topic, id_at_start, now)
    if id_at_start and (now := topic.id()) != id_at_start:
        return {}, _other_topic(topic, id_at_start, now)
    return extents, ""


def _other_topic(topic: Topic, id_at_start: str, now: str | None) -> str:
    what = "deleted" if now is None else f"deleted and created again, as {now}"
    return f"topic {topic.name}, which the job read as {id_at_start}, was {what}"


def _without_topic(
    topic: Topic, number: int, tables: dict[str, DeltaTable], homes: Homes, why: str, tick: Tick
) -> Verification:
    """What the tables alone show: doubled rows. Whether each record has a row cannot be known."""
    proofs, doubled = [], []
    for partition in sorted(homes.marks):
        nothing, reach = Extent(0, 0), homes.reach(partition)
        proofs.append(replace(homes.proof(partition, nothing, reach), records=0, unpublished=0))
        doubled += [f for f in homes.findings(partition, nothing, reach) if f.kind == "doubled"]
    rows = Finding("other", NO_PARTITION, why, (), sum(homes.rows.values()))
    return Verification(
        table=homes.table,
        topic=topic.name,
        batch=number,
        versions={name: int(delta.version()) for name, delta in tables.items()},
        partitions=tuple(proofs),
        findings=(rows, *homes.rows_without_position(), *doubled),
        places=tuple(doubled_files(tables, homes, tick)) if doubled else (),
    )


def _with_losses(
    findings: list[Finding], extents: Mapping[int, Extent], at_batch: TopicAtBatch
) -> list[Finding]:
    """Report what the topic lost since the batch: there, neither a record nor its absence proves anything."""
    lost: dict[int, list[Range]] = {}
    for partition, extent in extents.items():
        frontier = at_batch.frontier.get(partition, 0)
        first = first_lost_offset(extent, frontier, at_batch.epochs.get(partition))
        spans = [s for s in at_batch.tails.get(partition, ()) if extent.start <= s.last < first]
        spans += [Range(first, frontier - 1)] if first < frontier else []
        if spans:
            lost[partition] = spans
    losses = [Finding("lost", partition, LOST, tuple(spans)) for partition, spans in lost.items()]
    return losses + [left for f in findings if (left := _outside(f, lost.get(f.partition, [])))]


def _outside(finding: Finding, lost: list[Range]) -> Finding | None:
    """A finding without what the topic lost; None if nothing is left of it."""
    if not lost or finding.kind not in {"missing", "phantom"}:
        return finding
    left = m.without(list(finding.spans), lost)
    return replace(finding, spans=tuple(left)) if left else None


def first_lost_offset(extent: Extent, frontier: int, epoch: Epoch | None) -> int:
    """The first offset below a frontier that the topic lost since then; the frontier itself if none.

    Whatever it held then was written under the newest epoch of that moment, or an older one. A record of a
    later epoch took the place of one that is gone; so did one of the same epoch, before where that began.
    """
    kept = min(frontier, max(extent.end, extent.start))
    if epoch is None:
        return kept
    newest, began = epoch
    good = extent.start
    for run in extent.runs:
        if run.first >= kept:
            break
        if run.epoch > newest or (run.epoch == newest and run.first < began):
            return good
        good = min(run.last + 1, kept)
    return kept


def _without_recorded_holes(
    findings: list[Finding], evidence: Evidence, batch: int
) -> tuple[list[Finding], dict[str, int]]:
    """Remove from what is unproved the holes that the ledger recorded in time, and count those by kind."""
    counts: dict[str, int] = {}
    left = [f for f in findings if f.kind != "unproved"]
    unproved = [f for f in findings if f.kind == "unproved"]
    recorded = evidence.holes(batch) if unproved else RecordedHoles()
    holes = {"absent": recorded.absent, "lost": recorded.lost}
    for finding in unproved:
        spans = _subtract(finding, holes, counts)
        if spans:
            left.append(replace(finding, spans=tuple(spans)))
    return left, {kind: n for kind, n in counts.items() if n}


def _subtract(finding: Finding, holes: Mapping[str, Ranges], counts: dict[str, int]) -> list[Range]:
    """The offsets of a finding that are not among the recorded holes; adds the others to ``counts``."""
    spans = list(finding.spans)
    for kind, by_partition in holes.items():
        before = _total(spans)
        spans = m.without(spans, list(by_partition.get(finding.partition, ())))
        counts[kind] = counts.get(kind, 0) + before - _total(spans)
    return spans


def _total(spans: Sequence[Range]) -> int:
    return sum(map(len, spans))
