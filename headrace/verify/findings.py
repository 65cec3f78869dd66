"""The result of a verification: numbers for each partition, each broken promise by name, as text and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from headrace.text import counted
from headrace.verify.verdict import Verdict, verdict_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.verify.marks import Range

NO_PARTITION = -(1 << 31)
"""The partition of rows that have none."""
SHOWN = 20
"""Ranges of one finding shown as text; JSON has all of them."""

FindingKind = Literal["missing", "doubled", "phantom", "unproved", "other", "lost", "positionless"]

SENTENCES: dict[FindingKind, str] = {
    "missing": "{n} missing: in the topic, in no table",
    "doubled": "{n} doubled: {where}",
    "phantom": "{n} phantom: in {where}, but the topic has no record there",
    "unproved": "{n} cannot be proved: in no table, and older than the topic's first record",
    "other": "{n} not provable from Kafka any more: {where}",
    "lost": "{n} not provable from Kafka any more: {where}",
    "positionless": "{n} without a position in {where}",
}

UNPROVED: frozenset[FindingKind] = frozenset({"unproved", "other", "lost"})
"""Findings that Kafka cannot confirm or refute."""


@dataclass(frozen=True)
class Finding:
    """One kind of broken promise in one partition; ``where`` names tables."""

    kind: FindingKind
    partition: int
    where: str
    spans: tuple[Range, ...]
    rows: int = 0
    """Only for rows that have no offset."""

    def __len__(self) -> int:
        return self.rows or sum(map(len, self.spans))

    def __str__(self) -> str:
        count = counted(len(self), "row" if self.rows else "offset")
        sentence = SENTENCES[self.kind].format(n=count, where=self.where)
        place = "" if self.partition == NO_PARTITION else f"{partition_label(self.partition)}: "
        return f"{place}{sentence}" + (f": {ranges_text(self.spans)}" if self.spans else "")

    def to_json(self) -> dict[str, Any]:
        """With every range."""
        return {
            "kind": self.kind,
            "partition": None if self.partition == NO_PARTITION else self.partition,
            "where": self.where,
            "count": len(self),
            "offsets": _pairs(self.spans),
        }


@dataclass(frozen=True)
class DoubledFile:
    """One file and the doubled offsets that it holds."""

    table: str
    file: str
    partition: int
    spans: tuple[Range, ...]

    def __str__(self) -> str:
        return f"{self.table}/{self.file} holds {self.partition}:{ranges_text(self.spans)}"

    def to_json(self) -> dict[str, Any]:
        """With every range."""
        return {
            "file": f"{self.table}/{self.file}",
            "partition": self.partition,
            "offsets": _pairs(self.spans),
        }


@dataclass(frozen=True)
class PartitionProof:
    """One partition in numbers."""

    partition: int
    log_start: int
    log_end: int
    first: int | None
    """The lowest offset with a home: the proof begins there, or at the log start where that is lower."""
    frontier: int
    records: int
    """Records that the topic holds below the frontier."""
    data: int
    quarantine: int
    beyond_reach: int
    """Homes of offsets below the log start: Kafka no longer knows what was there."""
    unpublished: int
    """Records of the topic from the frontier on."""


@dataclass(frozen=True)
class Verification:
    """What was compared, and what came out."""

    table: str
    topic: str
    batch: int
    versions: dict[str, int]
    partitions: tuple[PartitionProof, ...]
    findings: tuple[Finding, ...]
    places: tuple[DoubledFile, ...]
    aged_holes: Mapping[str, int] = field(default_factory=dict)
    """Offsets below the log start that are in no table, and what the ledger recorded of them in time."""

    @property
    def verdict(self) -> Verdict:
        """``unproved`` where Kafka can neither confirm nor refute the findings."""
        return verdict_on({f.kind for f in self.findings}, UNPROVED)

    def total(self, number: str) -> int:
        """One of the numbers of :class:`PartitionProof`, over all partitions."""
        return sum(int(getattr(p, number)) for p in self.partitions)

    def sentence(self) -> str:
        """The outcome in one line."""
        if self.verdict == "proved":
            return self._proved()
        from_elsewhere = [f for f in self.findings if f.kind in ("other", "lost")]
        if self.verdict == "unproved" and from_elsewhere:
            return f"not provable from Kafka any more: {from_elsewhere[0].where}"
        if self.verdict == "unproved":
            return "every record that the topic still holds has exactly one home, but older offsets have none"
        counts: dict[str, int] = {}
        for f in self.findings:
            counts[f.kind] = counts.get(f.kind, 0) + len(f)
        return "not every offset has exactly one home: " + ", ".join(f"{n:,} {k}" for k, n in counts.items())

    def _proved(self) -> str:
        lost, absent = (self.aged_holes.get(kind, 0) for kind in ("lost", "absent"))
        were = "was lost before it was read" if lost == 1 else "were lost before they were read"
        but = f", except {lost:,} that {were}, accepted in the ledger" if lost else ""
        numbers = [counted(self.total("records"), "record")]
        if reach := self.total("beyond_reach"):
            numbers.append(f"{reach:,} older than the topic's log, each once")
        if absent:
            numbers.append(f"{counted(absent, 'older offset')} without a record, as the ledger records")
        return f"every offset has exactly one home{but} ({'; '.join(numbers)})"

    def to_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "table": self.table,
            "topic": self.topic,
            "batch": self.batch,
            "versions": self.versions,
            "verdict": self.verdict,
            "sentence": self.sentence(),
            "partitions": [asdict(p) for p in self.partitions],
            "findings": [f.to_json() for f in self.findings],
            "places": [p.to_json() for p in self.places],
            "aged_holes": dict(self.aged_holes),
        }


def partition_label(partition: int) -> str:
    """A partition of the topic; or, where it is negative, a file of a backfill."""
    return f"partition {partition}" if partition >= 0 else f"file {-partition}"


def ranges_text(spans: Sequence[Range]) -> str:
    """The first ranges, and how many more there are."""
    more = f" and {len(spans) - SHOWN:,} more ranges" if len(spans) > SHOWN else ""
    return ", ".join(map(str, spans[:SHOWN])) + more


def _pairs(spans: Sequence[Range]) -> list[list[int]]:
    return [[s.first, s.last] for s in spans]
