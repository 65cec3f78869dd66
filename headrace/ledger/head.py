"""The newest finished batch of a job: what the next batch continues from."""

from __future__ import annotations

from dataclasses import dataclass, field

from headrace.ledger.records import Done, Stored
from headrace.offsets import Epoch, Offsets, Span
from headrace.savepoint.metadata import checkpoint_of


@dataclass(frozen=True)
class Head:
    """The last batch that is done; number 0 before there is one."""

    batch: int = 0
    claim: int = 0
    """Whose manifests the batch took."""
    manifests: dict[str, str] = field(default_factory=dict)
    """The newest published manifest of each output."""
    frontier: Offsets = field(default_factory=dict)
    """Per partition, the offset up to which everything is published."""
    versions: dict[str, int] = field(default_factory=dict)
    """The table versions that the batch made."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows that each table holds at its version."""
    written: dict[str, int] = field(default_factory=dict)
    """Rows that batches have written into each table, all of them summed: also those that others replaced."""
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By output, the columns by which newer rows replace older ones; none: rows are final."""
    digest: str | None = None
    """SHA-256 of the ``done`` record as stored."""
    since: int = 1
    """The batch from which on checkpoint numbers only grow: a published replay starts lower."""
    epochs: dict[int, Epoch] = field(default_factory=dict)
    """Per partition the topic's newest leader epoch when the batch was decided, and where it began."""
    tails: tuple[Span, ...] = ()
    """Offsets that are published, and that the topic's log lost: an operator decided to go on."""

    @classmethod
    def of(cls, stored: Stored[Done]) -> Head:
        """The state that a ``done`` record describes."""
        done = stored.record
        return cls(
            batch=done.number,
            claim=done.claim,
            manifests=done.heads,
            frontier=done.frontier,
            versions=done.versions,
            rows=done.rows,
            written=done.written,
            keys=done.keys,
            digest=stored.digest,
            since=done.since,
            epochs=done.epochs,
            tails=done.tails,
        )

    @property
    def checkpoint(self) -> int:
        """The number of the newest published checkpoint; 0 when nothing is published."""
        return max((checkpoint_of(m) for m in self.manifests.values()), default=0)
