"""The result of verifying a derived table: how far the job had come, the numbers, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from headrace.contract.sql import instant
from headrace.verify.verdict import Verdict, verdict_on

if TYPE_CHECKING:
    from collections.abc import Mapping

ImbalanceKind = Literal["missing", "too many", "unproved", "late twice", "late from nowhere"]

SENTENCES: dict[ImbalanceKind, str] = {
    "missing": "{n} missing",
    "too many": "{n} too many",
    "unproved": "{n} not provable yet: the watermark has not come this far again since the last start",
    "late twice": "{n} more than once in {where}",
    "late from nowhere": "{n} in {where}, but not among the rows read",
}


@dataclass(frozen=True)
class Cut:
    """How far a job had come at a checkpoint whose outputs are the tables of a batch."""

    batch: int
    path: str
    """The checkpoint's address."""
    starts: Mapping[int, int]
    """Partition of the first topic → the offset at which the job began to read."""
    positions: Mapping[int, int]
    """Partition → the offset that is read next."""
    watermarks: Mapping[str, int]
    """Output → how far event time had come, in milliseconds: windows that end by then are complete."""


@dataclass(frozen=True)
class RowGroup:
    """Rows of one window, or of one event time: how many were read, came late, and are counted."""

    at: int
    """Milliseconds since 1970: where the window begins, or the event time."""
    arrived: int
    late: int
    counted: int

    @property
    def unaccounted(self) -> int:
        """Rows that are neither counted nor late; negative where more are."""
        return self.arrived - self.late - self.counted


@dataclass(frozen=True)
class Imbalance:
    """One window, event time or record that does not add up; ``rows`` is by how much."""

    kind: ImbalanceKind
    where: str
    rows: int
    group: RowGroup | None = None
    window: timedelta = timedelta()

    def __str__(self) -> str:
        noun = "row" if self.rows == 1 else "rows"
        sentence = SENTENCES[self.kind].format(n=f"{self.rows:,} {noun}", where=self.where)
        if self.group is None:
            return sentence
        g = self.group
        return f"{self._when()}: {g.arrived:,} read, {g.late:,} late, {g.counted:,} counted: {sentence}"

    def _when(self) -> str:
        at = self.group.at if self.group else 0
        if not self.window:
            return f"event time {instant(at).isoformat()}"
        return f"window {instant(at).isoformat()} to {self._until(at)}"

    def _until(self, at: int) -> str:
        return instant(at + self.window // timedelta(milliseconds=1)).isoformat()

    def to_json(self) -> dict[str, Any]:
        """With every number."""
        facts: dict[str, Any] = {"kind": self.kind, "where": self.where, "rows": self.rows}
        if self.group is None:
            return facts
        return facts | {
            "at": instant(self.group.at).isoformat(),
            "until": self._until(self.group.at) if self.window else None,
            "read": self.group.arrived,
            "late": self.group.late,
            "counted": self.group.counted,
        }


@dataclass(frozen=True)
class Conservation:
    """What was compared, and what came out."""

    table: str
    """The job's own."""
    read: str
    """The published table that holds the rows read."""
    cut: Cut
    versions: Mapping[str, int]
    watermark: int | None
    """The least of the tables that count; None: there was none yet since the last start."""
    arrived: int
    late: int
    counted: int
    counted_in: Mapping[str, int]
    """Table that counts → how many of the rows read it counts."""
    stale: int
    """Rows that patches added after the job had passed them: no job reads them there."""
    waiting: int
    """Rows that are neither counted nor late, in windows that the watermark has not passed."""
    findings: tuple[Imbalance, ...]

    @property
    def verdict(self) -> Verdict:
        """``unproved`` where a restart reset the watermark that would prove it."""
        return verdict_on({f.kind for f in self.findings}, {"unproved"})

    def sentence(self) -> str:
        """The outcome in one line."""
        if self.verdict == "proved":
            waiting = f", {self.waiting:,} that the watermark has not passed yet" if self.waiting else ""
            waiting += (
                f"; stale: {self.stale:,} that patches added, which it never read" if self.stale else ""
            )
            counted = ", ".join(f"{n:,} counted in {table}" for table, n in self.counted_in.items())
            return (
                f"each of {self.arrived:,} rows read from {self.read} has exactly one home:"
                f" {counted}, {self.late:,} late{waiting}"
            )
        counts: dict[str, int] = {}
        for f in self.findings:
            counts[f.kind] = counts.get(f.kind, 0) + f.rows
        counted = ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
        return f"rows read are not rows counted plus rows late: {counted}"

    def to_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "table": self.table,
            "read": self.read,
            "batch": self.cut.batch,
            "checkpoint": self.cut.path,
            "positions": {str(p): o for p, o in sorted(self.cut.positions.items())},
            "watermark": None if self.watermark is None else instant(self.watermark).isoformat(),
            "versions": dict(self.versions),
            "verdict": self.verdict,
            "sentence": self.sentence(),
            "counted_in": dict(self.counted_in),
            "rows": {
                "read": self.arrived,
                "counted": self.counted,
                "late": self.late,
                "waiting": self.waiting,
                "stale": self.stale,
            },
            "findings": [f.to_json() for f in self.findings],
        }
