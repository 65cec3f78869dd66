"""Where a replay leaves the published branch, and what a table held there."""

from __future__ import annotations

from pydantic import Field

from headrace.ledger.records.file import RecordedFile
from headrace.ledger.records.manifest import checkpoint_of
from headrace.ledger.records.record import Record


class ForkPoint(Record):
    """A place on the published branch, between two manifests."""

    batch: int
    """The batch that holds its manifests; 0: before everything."""
    manifests: dict[str, str] = Field(default_factory=dict)
    """Per output the last shared one; empty: before everything."""

    @property
    def checkpoint(self) -> int:
        """The number that the branch had reached."""
        return max(map(checkpoint_of, self.manifests.values()), default=0)


class Baseline(Record):
    """What the tables held at a fork point: a version of each, and files that came after that."""

    versions: dict[str, int] = Field(default_factory=dict)
    files: dict[str, tuple[RecordedFile, ...]] = Field(default_factory=dict)
