"""Proof of G1 from Kafka itself: at the versions of a batch, each offset below the frontier has one home.

Nothing here is shared with publish: the batch is found in the Delta logs, rows are read from the files and
not from statistics, and the records are those that a consumer is given. So a fault of publish, of a manifest
or of the ledger cannot hide itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from headrace.errors import ClusterError, UsageError
from headrace.offsets import OffsetArray
from headrace.read.tables import open_table, stream_batches, table_at_batch
from headrace.verify import marks as m
from headrace.verify.findings import NOWHERE, DoubledFile, Finding, PartitionProof, Verification
from headrace.verify.marks import Marks, Range
from headrace.verify.topic_scan import Extent

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

    from headrace.storage.warehouse import Warehouse
    from headrace.verify.topic_scan import Topic

POSITION = ["_partition", "_offset"]
NEWEST = 1 << 62

Tick = Callable[[str, int, "int | None"], None]
"""Called with a step, how far it is, and where it ends."""

FrontierAt = Callable[[int], Mapping[int, int]]
"""Asked with a batch: partition → the frontier that it recorded."""

TopicAtBatch = tuple[Mapping[int, tuple[int, int]], Mapping[int, Sequence[Range]]]
"""How a topic stood at a batch: by partition its newest leader epoch and where that began; and published
offsets that it had lost by then."""
TopicAt = Callable[[int], TopicAtBatch]
"""Asked with a batch."""
LOST = "the topic lost offsets that are published, and may have given them to other records"

HolesAt = Callable[[int], Mapping[str, Mapping[int, Sequence[Range]]]]
"""Asked with a batch: ``absent`` and ``lost`` → partition → what was noted while Kafka could be asked."""


def verify(
    warehouse: Warehouse,
    table: str,
    topic: Topic,
    *,
    batch: int | None = None,
    noted: HolesAt = lambda _batch: {},
    promised: FrontierAt = lambda _batch: {},
    filled: FrontierAt = lambda _batch: {},
    begun: str | None = None,
    stood: TopicAt = lambda _batch: ({}, {}),
    tick: Tick = lambda _step, _done, _total: None,
) -> Verification:
    """Compare a table and its quarantine with the topic that they came from.

    Args:
        warehouse: where the tables are.
        table: the contract's id, also the job's.
        topic: the contract's topic, in Kafka.
        batch: the batch whose table versions are judged; the newest that both tables hold if None.
        noted: asked only about offsets that are older than the topic's log and in no table.
        promised: how far the batch said that the tables go; without its word, as far as their rows.
        filled: how many rows each file has that was backfilled by then, counted in the file; files are told
            from partitions by negative numbers.
        begun: the id of the topic that the job began on: another topic of its name proves nothing.
        stood: how the topic stood when the batch was published.
        tick: told how far each step is.

    Raises:
        UsageError: the tables do not exist, do not hold that batch any more, or carry no positions.
        ClusterError: Kafka or the object store does not answer, or the topic does not exist.
    """
    number, tables = _at_batch(warehouse, table, batch)
    homes = _Homes(table, f"{table}__quarantine")
    for name, found in tables.items():
        homes.read(name, found, tick)
    # Read after the tables: every row that they hold stands below the end that Kafka names now.
    extents, other = _scan(topic, begun, homes, tick)
    if other:
        return _without_topic(topic, number, tables, homes, other, tick)
    files = filled(number)
    for partition, rows in files.items():
        homes.marks[partition].mark(np.arange(rows), m.TOPIC)
        extents[partition] = Extent(0, rows)
    proofs, findings, frontier = [], homes.positionless(), {**promised(number), **files}
    for partition in sorted({*extents, *homes.marks, *frontier}):
        extent = extents.get(partition, Extent(0, 0))
        reach = max(homes.reach(partition), frontier.get(partition, 0))
        proofs.append(homes.proof(partition, extent, reach))
        findings += homes.findings(partition, extent, reach)
    findings = _with_losses(findings, extents, promised(number), stood(number))
    findings, aged = _without_noted(findings, lambda: noted(number))
    return Verification(
        table=table,
        topic=topic.name,
        batch=number,
        versions={name: int(found.version()) for name, found in tables.items()},
        partitions=tuple(proofs),
        findings=tuple(findings),
        aged_holes=aged,
        places=tuple(_places(tables, homes, tick)) if any(f.kind == "doubled" for f in findings) else (),
    )


def _scan(topic: Topic, begun: str | None, homes: _Homes, tick: Tick) -> tuple[dict[int, Extent], str]:
    """Mark the records of the topic; or say why it is not the one that the job read.

    Ids never return: one that is right after the scan was right all along.
    """
    if begun and (now := topic.id()) != begun:
        return {}, _other(topic, begun, now)
    try:
        extents = topic.scan(
            lambda partition, offsets: homes.marks[partition].mark(offsets, m.TOPIC),
            lambda done, total: tick(f"reading topic {topic.name}", done, total),
        )
    except ClusterError:
        if begun is None or (now := topic.id()) == begun:
            raise
        return {}, _other(topic, begun, now)
    if begun and (now := topic.id()) != begun:
        return {}, _other(topic, begun, now)
    return extents, ""


def _other(topic: Topic, begun: str, now: str | None) -> str:
    what = "deleted" if now is None else f"deleted and created again, as {now}"
    return f"topic {topic.name}, which the job read as {begun}, was {what}"


def _without_topic(
    topic: Topic, number: int, tables: dict[str, DeltaTable], homes: _Homes, why: str, tick: Tick
) -> Verification:
    """What the tables show alone: rows that stand twice. Whether each record has one, nobody can say."""
    proofs, doubled = [], []
    for partition in sorted(homes.marks):
        nothing, reach = Extent(0, 0), homes.reach(partition)
        proofs.append(replace(homes.proof(partition, nothing, reach), records=0, unpublished=0))
        doubled += [f for f in homes.findings(partition, nothing, reach) if f.kind == "doubled"]
    rows = Finding("other", NOWHERE, why, (), sum(homes.rows.values()))
    return Verification(
        table=homes.table,
        topic=topic.name,
        batch=number,
        versions={name: int(found.version()) for name, found in tables.items()},
        partitions=tuple(proofs),
        findings=(rows, *homes.positionless(), *doubled),
        places=tuple(_places(tables, homes, tick)) if doubled else (),
    )


def _with_losses(
    findings: list[Finding], extents: Mapping[int, Extent], frontier: Mapping[int, int], then: TopicAtBatch
) -> list[Finding]:
    """Name what the topic lost since the batch: there, neither a record nor its absence proves anything."""
    epochs, tails = then
    found = []
    for partition, extent in extents.items():
        reached = frontier.get(partition, 0)
        begins = lost_from(extent, reached, epochs.get(partition))
        spans = [s for s in tails.get(partition, ()) if extent.start <= s.last < begins]
        spans += [Range(begins, reached - 1)] if begins < reached else []
        if spans:
            found.append(Finding("lost", partition, LOST, tuple(spans)))
    lost = {f.partition: list(f.spans) for f in found}
    for finding in findings:
        apart = finding.kind in {"missing", "phantom"} and finding.partition in lost
        left = m.without(list(finding.spans), lost[finding.partition]) if apart else list(finding.spans)
        if left or not apart:
            found.append(replace(finding, spans=tuple(left)))
    return found


def lost_from(extent: Extent, reached: int, then: tuple[int, int] | None) -> int:
    """The first offset below a frontier that the topic lost since then; the frontier itself if none.

    Whatever it held then was written under the newest epoch of that moment, or an older one. A record of a
    later epoch took the place of one that is gone; so did one of the very epoch, before where that began.
    """
    kept = min(reached, max(extent.end, extent.start))
    if then is None:
        return kept
    newest, began = then
    good = extent.start
    for run in extent.runs:
        if run.first >= kept:
            break
        if run.epoch > newest or (run.epoch == newest and run.first < began):
            return good
        good = min(run.last + 1, kept)
    return kept


def _without_noted(
    findings: list[Finding], noted: Callable[[], Mapping[str, Mapping[int, Sequence[Range]]]]
) -> tuple[list[Finding], dict[str, int]]:
    """Take out of what is unproved what was noted in time, and count it by kind."""
    aged: dict[str, int] = {}
    left = [f for f in findings if f.kind != "unproved"]
    unproved = [f for f in findings if f.kind == "unproved"]
    word = noted() if unproved else {}
    for finding in unproved:
        spans = list(finding.spans)
        for kind, by_partition in word.items():
            before = sum(map(len, spans))
            spans = m.without(spans, list(by_partition.get(finding.partition, ())))
            aged[kind] = aged.get(kind, 0) + before - sum(map(len, spans))
        if spans:
            left.append(replace(finding, spans=tuple(spans)))
    return left, {kind: n for kind, n in aged.items() if n}


def _at_batch(warehouse: Warehouse, table: str, wanted: int | None) -> tuple[int, dict[str, DeltaTable]]:
    """Both tables as one batch left them: the newest that is in both, or the one asked for.

    A batch without rows leaves them as the one before it did.
    """
    names = (table, f"{table}__quarantine")
    number = NEWEST if wanted is None else wanted
    while True:
        found = {name: table_at_batch(warehouse, name, f"{table}/{name}", number) for name in names}
        there = {name: held for name, held in found.items() if held is not None}
        numbers = {held for _, held in there.values()}
        if len(there) == len(names) and len(numbers) == 1:
            return wanted or numbers.pop(), {name: opened for name, (opened, _) in there.items()}
        if wanted is not None or len(there) < len(names):
            raise _no_batch(warehouse, names, table, wanted)
        number = min(numbers)


def _no_batch(warehouse: Warehouse, names: tuple[str, ...], job: str, wanted: int | None) -> UsageError:
    state = []
    for name in names:
        newest = open_table(warehouse, name)
        held = newest.transaction_version(f"{job}/{name}") if newest else None
        state.append(f"{name} holds {'no batch' if held is None else f'batches up to {held}'}")
    what = "nothing was published yet" if wanted is None else f"batch {wanted} is not in both tables any more"
    return UsageError(
        what,
        where="; ".join(state),
        remedy=f"headrace publish {job}" if wanted is None else f"headrace verify {job}",
    )


@dataclass
class _Homes:
    """The marks of all partitions, and the rows that could not be marked."""

    table: str
    quarantine: str
    marks: dict[int, Marks] = field(default_factory=lambda: defaultdict(Marks))
    rows: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    nowhere: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def read(self, name: str, table: DeltaTable, tick: Tick) -> None:
        """Mark every row of a table."""
        bad = name == self.quarantine
        marks = (m.QUARANTINE, m.QUARANTINE_AGAIN) if bad else (m.DATA, m.DATA_AGAIN)
        done = 0
        for batch in _position_batches(name, table):
            positions = _by_partition(batch)
            for partition, offsets in positions.items():
                self.marks[partition].mark(offsets, *marks)
                self.rows[name, partition] += len(offsets)
            if lost := batch.num_rows - sum(map(len, positions.values())):
                self.nowhere[name] += lost
            done += batch.num_rows
            tick(f"reading table {name}", done, None)

    def positionless(self) -> list[Finding]:
        """Rows whose partition or offset is NULL."""
        return [
            Finding("positionless", NOWHERE, name, (), rows) for name, rows in sorted(self.nowhere.items())
        ]

    def reach(self, partition: int) -> int:
        """The offset behind the last one that has a home."""
        highest = self.marks[partition].highest(m.AT_HOME)
        return 0 if highest is None else highest + 1

    def proof(self, partition: int, extent: Extent, frontier: int) -> PartitionProof:
        """The numbers of one partition."""
        marks = self.marks[partition]
        return PartitionProof(
            partition=partition,
            log_start=extent.start,
            log_end=extent.end,
            first=marks.lowest(m.AT_HOME),
            frontier=frontier,
            records=marks.count(m.IN_TOPIC, None, frontier - 1),
            data=self.rows[self.table, partition],
            quarantine=self.rows[self.quarantine, partition],
            beyond_reach=marks.count(m.AT_HOME, 0, extent.start - 1),
            unpublished=marks.count(m.IN_TOPIC, frontier, None),
        )

    def findings(self, partition: int, extent: Extent, frontier: int) -> list[Finding]:
        """Every promise that one partition breaks below its frontier."""
        marks, highest = self.marks[partition], frontier - 1
        both = f"{self.table} and {self.quarantine}"
        seen = marks.spans(m.AT_HOME | m.IN_TOPIC, 0, highest)
        aged = [s for s in seen if s.first < extent.start]
        found = {
            ("missing", both): marks.spans(m.MISSING, None, highest),
            ("doubled", f"twice in {self.table}"): marks.spans(m.TWICE_IN_DATA),
            ("doubled", f"twice in {self.quarantine}"): marks.spans(m.TWICE_IN_QUARANTINE),
            ("doubled", f"in both {both}"): marks.spans(m.IN_BOTH),
            ("phantom", f"{self.table} or {self.quarantine}"): [
                *marks.spans(m.PHANTOM, None, -1),
                *marks.spans(m.PHANTOM, max(extent.start, 0), None),
            ],
            ("unproved", both): m.gaps(aged, min(extent.start - 1, highest)),
        }
        return [Finding(kind, partition, where, tuple(s)) for (kind, where), s in found.items() if s]


def _places(tables: dict[str, DeltaTable], homes: _Homes, tick: Tick) -> Iterator[DoubledFile]:
    """Which files hold the doubled offsets: a second look, taken only when there are any."""
    for name, table in tables.items():
        held: dict[tuple[str, int], list[OffsetArray]] = defaultdict(list)
        for done, batch in enumerate(_position_batches(name, table)):
            tick(f"looking for doubled rows in {name}", done, None)
            file = str(batch.column("__filename")[0]) if batch.num_rows else ""
            for partition, offsets in _by_partition(batch).items():
                hits = offsets[homes.marks[partition].match(offsets, m.DOUBLED)]
                if len(hits):
                    held[file, partition].append(hits)
        for (file, partition), hits_of_file in sorted(held.items(), key=lambda item: item[0]):
            spans: list[Range] = m.to_spans(np.unique(np.concatenate(hits_of_file)))
            yield DoubledFile(name, file, partition, tuple(spans))


def _position_batches(name: str, table: DeltaTable) -> Iterator[pa.RecordBatch]:
    lacking = sorted({*POSITION} - {f.name for f in table.schema().fields})
    if lacking:
        raise UsageError(
            f"the table has no {' and no '.join(lacking)}",
            where=name,
            remedy="only tables of an ingest job can be verified: their rows carry their positions",
        )
    yield from stream_batches(table, POSITION)


def _by_partition(batch: pa.RecordBatch) -> dict[int, OffsetArray]:
    placed = batch.filter(
        batch.column(0).is_valid().to_numpy(zero_copy_only=False)
        & batch.column(1).is_valid().to_numpy(zero_copy_only=False)
    )
    partitions = placed.column(0).to_numpy()
    offsets: OffsetArray = placed.column(1).to_numpy().astype(np.int64, copy=False)
    numbers = np.unique(partitions)
    if len(numbers) == 1:
        return {int(numbers[0]): offsets}
    return {int(n): offsets[partitions == n] for n in numbers}
