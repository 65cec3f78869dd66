"""What the tables are once a batch is finished: the next batch continues from here."""

from __future__ import annotations

from pydantic import TypeAdapter

from headrace.ledger.records.batch import BatchKind
from headrace.ledger.records.fork import ForkPoint
from headrace.ledger.records.record import Numbered, RecordKind
from headrace.offsets import Epoch, Offsets, Span


class Done(Numbered):
    """A batch is in the tables."""

    kind: BatchKind
    batch_digest: str
    """SHA-256 of the stored batch record."""
    claim: int
    checkpoints: tuple[int, int]
    heads: dict[str, str]
    """The newest published manifest of each output."""
    manifests: dict[str, tuple[str, ...]]
    """Those of the batch, by output."""
    frontier: Offsets
    versions: dict[str, int]
    """The table versions that the batch made."""
    rows: dict[str, int]
    """Rows that each table holds at its version."""
    written: dict[str, int]
    """Rows that batches have written into each table, all of them summed: also those that others replaced."""
    keys: dict[str, tuple[str, ...]]
    """By output, the columns by which newer rows replace older ones; none: rows are final."""
    since: int
    """The batch from which on checkpoint numbers only grow: a published replay starts lower."""
    epochs: dict[int, Epoch]
    tails: tuple[Span, ...]
    fork: ForkPoint | None = None
    """Of a swap or a rollback, where it leaves what the branch was before."""

    @property
    def patched(self) -> bool:
        """Whether a patch or its rollback made it: the head is where it was."""
        return self.kind in ("patch", "patch_rollback")


DONE = RecordKind("done", TypeAdapter(Done), stamped=("number",))
