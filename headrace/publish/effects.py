"""What a batch does, one function a kind: to a table, to the branch, and which decision it implies.

A kind that has no function here is refused by its name, and so is the mode of an output: there is no ladder
that either could fall through.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch

from deltalake.transaction import Transaction

from headrace.delta.amend import amend_batch, amend_from
from headrace.delta.commit import commit_batch, delta_files
from headrace.delta.patch import patch_batch
from headrace.delta.swap import swap_batch
from headrace.files import RecordedFile
from headrace.ledger import patches
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import (
    REPLAYS,
    Batch,
    Decision,
    ForkBatch,
    ForkPoint,
    PatchBatch,
    PatchRollbackBatch,
    PublishBatch,
    PublishPatch,
    ReplaceBranch,
    RollBack,
    RollbackBatch,
    SwapBatch,
)
from headrace.offsets import Epoch, Span
from headrace.positions import Positions
from headrace.storage.warehouse import Warehouse
from headrace.table.outputs import Output


@dataclass(frozen=True)
class Target:
    """The table that a batch is to change."""

    warehouse: Warehouse
    output: Output
    transaction: Transaction
    """Application and number of the batch."""


_ADD = {"append": commit_batch, "amend": amend_batch}
"""How a batch's files are added to a table, by the mode of its output."""


@singledispatch
def commit(batch: Batch, to: Target) -> int:
    """Change one table, in one commit, unless that is done; returns the version that holds the batch."""
    raise NotImplementedError(batch.kind, to)


@commit.register
def _(batch: PublishBatch, to: Target) -> int:
    return _ADD[to.output.mode](
        to.warehouse, to.output, to.transaction, delta_files(batch.outputs[to.output.id].files)
    )


@commit.register
def _(batch: SwapBatch, to: Target) -> int:
    return _REPLACE[to.output.mode](batch, to, batch.outputs[to.output.id].files)


@commit.register
def _(batch: RollbackBatch, to: Target) -> int:
    files = batch.restored.get(to.output.id, batch.outputs[to.output.id].files)
    return _REPLACE[to.output.mode](batch, to, files)


def _swap_files(batch: ForkBatch, to: Target, files: Iterable[RecordedFile]) -> int:
    return swap_batch(
        to.warehouse,
        to.output,
        to.transaction,
        delta_files(files),
        delta_files(batch.removed.get(to.output.id, ())),
        batch.fork_frontier or None,
        batch.baseline,
        back=isinstance(batch, RollbackBatch),
    )


def _amend_fork_point(batch: ForkBatch, to: Target, files: Iterable[RecordedFile]) -> int:
    name, baseline = to.output.id, batch.baseline
    amending = delta_files([*baseline.files.get(name, ()), *files])
    return amend_from(to.warehouse, to.output, to.transaction, baseline.versions.get(name), amending)


_REPLACE = {"append": _swap_files, "amend": _amend_fork_point}
"""How files replace what a table holds after the fork point, by the mode of its output."""


@commit.register(PatchBatch)
@commit.register(PatchRollbackBatch)
def _(batch: PatchBatch | PatchRollbackBatch, to: Target) -> int:
    files = delta_files(batch.outputs[to.output.id].files)
    return patch_batch(to.warehouse, to.output, to.transaction, files, Positions.of_spans(batch.records))


@dataclass(frozen=True)
class BranchPosition:
    """The state of the branch once a batch is finished."""

    manifests: dict[str, str]
    """Per output the newest one, where the batch has none of its own."""
    since: int
    epochs: dict[int, Epoch]
    tails: tuple[Span, ...]
    fork: ForkPoint | None = None


@singledispatch
def branch_position(batch: Batch, head: Head) -> BranchPosition:
    """The state in which a batch leaves the branch that was at ``head``."""
    raise NotImplementedError(batch.kind, head)


@branch_position.register
def _(batch: PublishBatch, head: Head) -> BranchPosition:
    return BranchPosition({}, head.since, batch.notes.epochs, batch.notes.tails)


@branch_position.register(SwapBatch)
@branch_position.register(RollbackBatch)
def _(batch: ForkBatch, _head: Head) -> BranchPosition:
    return BranchPosition(
        batch.fork.manifests, batch.number, batch.notes.epochs, batch.notes.tails, batch.fork
    )


@branch_position.register(PatchBatch)
@branch_position.register(PatchRollbackBatch)
def _(_batch: PatchBatch | PatchRollbackBatch, head: Head) -> BranchPosition:
    return BranchPosition(head.manifests, head.since, head.epochs, head.tails)


@singledispatch
def decision(batch: Batch, ledger: Ledger) -> Decision | None:
    """The decision that a batch implies; None if it implies none, or if that is recorded already."""
    raise NotImplementedError(batch.kind, ledger)


@decision.register
def _(_batch: PublishBatch, _ledger: Ledger) -> None:
    return None


@decision.register
def _(batch: SwapBatch, ledger: Ledger) -> Decision | None:
    if batch.replay in StandingDecisions.of(ledger.decisions()).published_replays:
        return None
    why = ledger.required(REPLAYS, batch.replay).why
    return ReplaceBranch(why=why, replay=batch.replay, claim=batch.claim, newest_claim=batch.newest_claim)


@decision.register
def _(batch: RollbackBatch, ledger: Ledger) -> Decision | None:
    if batch.replay in StandingDecisions.of(ledger.decisions()).rolled_back:
        return None
    return RollBack(why=batch.why, replay=batch.replay, claim=batch.claim, newest_claim=batch.newest_claim)


@decision.register
def _(batch: PatchBatch, ledger: Ledger) -> Decision | None:
    return _patch_decision(batch, ledger, rolls_back=None)


@decision.register
def _(batch: PatchRollbackBatch, ledger: Ledger) -> Decision | None:
    return _patch_decision(batch, ledger, rolls_back=batch.rolls_back)


def _patch_decision(
    batch: PatchBatch | PatchRollbackBatch, ledger: Ledger, *, rolls_back: int | None
) -> PublishPatch | None:
    if patches.batch_of(ledger.decisions(), batch.patch):
        return None
    return PublishPatch(why=batch.why, patch=batch.patch, batch=batch.number, rolls_back=rolls_back)
