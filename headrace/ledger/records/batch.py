"""Batches: what one publish does to the tables, decided before anything is changed.

A batch is one of five kinds, and each has the fields that it needs. What a kind does to a table is defined in
:mod:`headrace.publish.effects`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import Field, TypeAdapter

from headrace.files import Baseline, Files, RecordedFile
from headrace.ledger.records.fork import ForkPoint
from headrace.ledger.records.manifest import FoldedManifest
from headrace.ledger.records.record import Numbered, RecordKind
from headrace.offsets import Epoch, Offsets, Span
from headrace.record import Record


class BatchOutput(Record):
    """What a batch adds to one table."""

    manifests: tuple[FoldedManifest, ...] = ()
    """In the order of the chain."""
    files: tuple[RecordedFile, ...] = ()
    """In the order of their manifests."""


class TopicNotes(Record):
    """What a batch that moves the head noted of an ingest job's topic, for later looks."""

    holes: tuple[Span, ...] = ()
    """Offsets without a row, because Kafka has no record there."""
    lost: tuple[Span, ...] = ()
    """Offsets without a row, because Kafka deleted the records; an operator accepted that."""
    unverified: tuple[Span, ...] = ()
    """Offsets without a row; the topic is gone, so Kafka could not be asked."""
    epochs: dict[int, Epoch] = Field(default_factory=dict)
    """Per partition the topic's newest leader epoch, and where it began."""
    tails: tuple[Span, ...] = ()
    """Published offsets that the topic's log lost."""

    @property
    def without_rows(self) -> tuple[Span, ...]:
        """Offsets without a row: Kafka made them, lost them, or could not be asked."""
        return (*self.holes, *self.lost, *self.unverified)


class BatchFacts(Numbered):
    """The fields of every kind of batch."""

    after: str | None = None
    """SHA-256 of the stored ``done`` record that it follows; None for the first batch. Set on writing."""
    claim: int
    contract_version: str
    checkpoints: tuple[int, int]
    """First and last. A patch has none: an empty range after all earlier ones, so the last comes first."""
    frontier: Offsets
    """Up to where everything is published once it is finished; empty for derive jobs."""
    outputs: dict[str, BatchOutput]
    at: str = ""

    @property
    def has_rows(self) -> bool:
        """Whether it adds any file."""
        return any(out.files for out in self.outputs.values())


class ForkBatch(BatchFacts):
    """A batch that replaces what the branch holds after a fork point."""

    fork: ForkPoint
    fork_frontier: Offsets
    """The frontier at the fork point; empty for derive jobs."""
    removed: Files
    """What the branch holds after it."""
    baseline: Baseline
    newest_claim: int
    """The newest claim when it was decided: none up to that is followed afterwards, but the batch's own."""
    notes: TopicNotes
    replay: int


class PublishBatch(BatchFacts):
    """Finished checkpoints of the followed claim go into the tables, after what is there."""

    kind: Literal["publish"] = "publish"
    notes: TopicNotes
    empty: str = ""
    """Why there is a batch without rows; empty where it has some."""


class SwapBatch(ForkBatch):
    """A replay's fork takes the place of what the branch holds after the fork point."""

    kind: Literal["swap"] = "swap"


class RollbackBatch(ForkBatch):
    """What the branch held after the fork point before ``replay`` is restored."""

    kind: Literal["rollback"] = "rollback"
    restored: Files = Field(default_factory=dict)
    """Files to add, where rows have positions: those that the tables held, whichever program wrote them."""
    why: str


class PositionsBatch(BatchFacts):
    """A batch that replaces the rows of some records, and moves no head."""

    patch: int
    """The patch record that requested it; of a rollback, its own."""
    records: tuple[Span, ...]
    """All records whose rows it removes, wherever they are; its files hold the rows that replace them."""
    why: str


class PatchBatch(PositionsBatch):
    """A patch's rows are added, and any other rows at their positions are removed."""

    kind: Literal["patch"] = "patch"


class PatchRollbackBatch(PositionsBatch):
    """A patch's rows are removed, and the rows that it removed are restored."""

    kind: Literal["patch_rollback"] = "patch_rollback"
    rolls_back: int
    """The patch that it rolls back."""


Batch = Annotated[
    Union[PublishBatch, SwapBatch, RollbackBatch, PatchBatch, PatchRollbackBatch],  # noqa: UP007 - evaluated on 3.10
    Field(discriminator="kind"),
]
BatchKind = Literal["publish", "swap", "rollback", "patch", "patch_rollback"]

_BATCH: TypeAdapter[Batch] = TypeAdapter(Batch)
BATCHES = RecordKind("batches", _BATCH, stamped=("number", "after", "at"))
