"""The homes of a topic's records: each row of a table and its quarantine, marked by partition and offset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from headrace.errors import UsageError
from headrace.offsets import OffsetArray
from headrace.read.tables import stream_batches
from headrace.verify import marks as m
from headrace.verify.findings import NO_PARTITION, DoubledFile, Finding, FindingKind, PartitionProof
from headrace.verify.marks import Marks, Range
from headrace.verify.topic_scan import Extent

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

POSITION = ["_partition", "_offset"]

Tick = Callable[[str, int, "int | None"], None]
"""Called with a step, how far it has come, and its total if that is known."""


@dataclass
class Homes:
    """The marks of all partitions, and the rows that could not be marked."""

    table: str
    quarantine: str
    marks: dict[int, Marks] = field(default_factory=lambda: defaultdict(Marks))
    rows: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    without_position: dict[str, int] = field(default_factory=lambda: defaultdict(int))

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
            if unplaced := batch.num_rows - sum(map(len, positions.values())):
                self.without_position[name] += unplaced
            done += batch.num_rows
            tick(f"reading table {name}", done, None)

    def rows_without_position(self) -> list[Finding]:
        """Rows whose partition or offset is NULL."""
        return [
            Finding("positionless", NO_PARTITION, name, (), rows)
            for name, rows in sorted(self.without_position.items())
        ]

    def reach(self, partition: int) -> int:
        """The offset after the last one that has a home."""
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
        kinds: dict[tuple[FindingKind, str], list[Range]] = {
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
        return [Finding(kind, partition, where, tuple(s)) for (kind, where), s in kinds.items() if s]


def doubled_files(tables: dict[str, DeltaTable], homes: Homes, tick: Tick) -> Iterator[DoubledFile]:
    """Which files hold the doubled offsets: a second pass over the tables, made only when there are any."""
    for name, table in tables.items():
        doubled: dict[tuple[str, int], list[OffsetArray]] = defaultdict(list)
        for done, batch in enumerate(_position_batches(name, table)):
            tick(f"looking for doubled rows in {name}", done, None)
            file = str(batch.column("__filename")[0]) if batch.num_rows else ""
            for partition, offsets in _by_partition(batch).items():
                hits = offsets[homes.marks[partition].match(offsets, m.DOUBLED)]
                if len(hits):
                    doubled[file, partition].append(hits)
        for (file, partition), hits_of_file in sorted(doubled.items(), key=lambda item: item[0]):
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
