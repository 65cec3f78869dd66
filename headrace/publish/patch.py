"""Publish a patch: a batch adds its rows and removes others at the same positions; or roll it back.

Decided by a batch record like any other, and finished by any publisher, in the steps of
:mod:`headrace.publish.finish`. Each record whose row is added had one home before, or none where it comes
from a file; so each has exactly one afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.delta.rewrite import remove_rows, restore_files
from headrace.errors import DecisionNeeded
from headrace.files import StagedFile
from headrace.ledger import patches
from headrace.ledger.head import Head
from headrace.ledger.patch_history import PatchHistory, require_open
from headrace.ledger.patches import ROLLBACK
from headrace.ledger.records import (
    DONE,
    AbortPatch,
    BatchOutput,
    JudgedPatch,
    Patch,
    PatchBatch,
    PatchRollbackBatch,
)
from headrace.offsets import Span
from headrace.positions import Positions
from headrace.publish.finish import Finisher
from headrace.publish.patch_checks import PatchChecks
from headrace.publish.publisher import Published
from headrace.publish.staged_files import FilesRead, ReadFile, positions_of, read_files
from headrace.publish.tables import JobTables
from headrace.read.records import PATCHED
from headrace.table.outputs import Output


@dataclass(frozen=True)
class NothingToApply:
    """A patch of which no row would be published: no batch was decided."""

    why: str


class Patcher:
    """Publishes a job's patches, and rolls them back."""

    def __init__(self, tables: JobTables) -> None:
        self.tables, self._ledger = tables, tables.ledger
        self._checks, self._finisher = PatchChecks(tables), Finisher(tables)

    def publish(self, number: int) -> Published | NothingToApply:
        """Publish a judged patch. Safe to repeat, and beside any other publisher.

        Raises:
            DecisionNeeded: it is not judged yet.
            ConservationError: a record would have two homes afterwards, or none.
            UsageError: it was aborted.
        """
        written_for: list[Span] = []
        files: FilesRead = {}
        while True:
            finished = self._finisher.finish_open_batch()
            head = self._ledger.head()
            if patches.batch_of(self._ledger.decisions(), number):
                return Published(head, finished, {})
            patch = require_open(self._ledger, number, or_published=True)
            judged = self._checks.require_judged(patch)
            judged_files = self._read_judged(judged)
            self._checks.refuse_other_topic(patch, head)
            self._checks.refuse_unpublishable(patch, judged, judged_files)
            moving = self._checks.records_to_move(patch, positions_of(judged_files))
            if not moving:
                passed = any(judged.files.values())
                why = "no record of it is left to be moved" if passed else "none of it passed"
                return NothingToApply(why)
            # Where another publisher wins the batch number, the same records mostly move: their files stay.
            if moving.spans() != written_for:
                written_for, files = moving.spans(), self._write_rows_of(moving, judged_files)
            self._record_patch_batch(head, patch, files, moving)

    def abort(self, number: int, why: str) -> None:
        """Decide that a patch is never published.

        Raises:
            UsageError: it is published, or was aborted.
            DecisionNeeded: it was published at the same moment.
        """
        self._finisher.finish_open_batch()
        require_open(self._ledger, number)
        self._ledger.record_decision(AbortPatch(why=why, patch=number))
        self._finisher.finish_open_batch()
        if patches.batch_of(self._ledger.decisions(), number):
            raise DecisionNeeded(
                f"patch {number} was published at the same moment",
                where=f"job {self._ledger.job}",
                remedy=f"headrace patch rollback {self._ledger.job} {number} --why TEXT reverses it",
            )

    def roll_back(self, number: int, why: str) -> Published:
        """Roll a patch back: remove its rows, and restore those that it removed. Safe to repeat.

        Raises:
            UsageError: it is not published; or a later patch or a replay was published on top of it.
        """
        files: FilesRead | None = None
        while True:
            finished = self._finisher.finish_open_batch()
            head, history = self._ledger.head(), PatchHistory(self._ledger)
            if number in patches.rolled_back(history.decisions):
                return Published(head, finished, {})
            patch = patches.one(self._ledger, number)
            batch = self._checks.require_reversible(patch, history)
            own = history.records(batch)
            if files is None:
                files = self._write_former_rows(patch, batch, own)
            rollback = self._recorded_rollback(patch) or self._record_rollback(patch, why)
            self._record_rollback_batch(head, rollback, patch, files, own)

    def _recorded_rollback(self, patch: Patch) -> Patch | None:
        """The record of a rollback that was requested before, and not finished."""
        rollbacks = [
            p for p in patches.every(self._ledger) if p.kind == ROLLBACK and p.rolls_back == patch.number
        ]
        return rollbacks[-1] if rollbacks else None

    def _record_rollback(self, patch: Patch, why: str) -> Patch:
        """Request the rollback of a patch."""
        rollback = Patch(
            kind=ROLLBACK,
            origin=patch.name,
            why=why,
            contract_version=patch.contract_version,
            program="",
            records=0,
            rolls_back=patch.number,
        )
        return patches.record_patch(self._ledger, rollback)

    # files

    def _read_judged(self, judged: JudgedPatch) -> FilesRead:
        """The files that a patch's bounded job made."""
        staged = {o: [f.staged for f in files] for o, files in judged.files.items()}
        return {o.id: self._read(o, staged.get(o.id, [])) for o in self.tables.outputs}

    def _read(self, output: Output, files: Sequence[StagedFile]) -> list[ReadFile]:
        return read_files(self.tables.warehouse, output.id, files, output.columns)

    def _write_rows_of(self, moving: Positions, judged_files: FilesRead) -> FilesRead:
        """The judged files; one that also holds rows of other records is written again, without those."""
        others = positions_of(judged_files).without(moving)
        if not others:
            return judged_files
        return {o.id: self._write_without(o, judged_files[o.id], others) for o in self.tables.outputs}

    def _write_without(self, output: Output, files: Sequence[ReadFile], others: Positions) -> list[ReadFile]:
        rewrite = remove_rows(self.tables.warehouse, output, [f.file.path for f in files], others.holds)
        replaced = {f.path for f in rewrite.removed}
        fresh = [StagedFile(path=f.path, size=f.size) for f in rewrite.added]
        return [f for f in files if f.file.path not in replaced] + self._read(output, fresh)

    def _write_former_rows(self, patch: Patch, batch: int, own: Positions) -> FilesRead:
        """Write files with the rows that these records had before the batch of a patch."""
        before = self._ledger.required(DONE, batch - 1).versions if batch > 1 else {}
        folder = f"{PATCHED}{patch.number}-rollback"
        warehouse = self.tables.warehouse
        return {
            o.id: self._read(o, restore_files(warehouse, o, before.get(o.id), own, folder))
            for o in self.tables.outputs
        }

    # the batch

    def _record_patch_batch(self, head: Head, patch: Patch, files: FilesRead, moving: Positions) -> None:
        """Decide the batch of a patch, unless another publisher is first."""

        def last_check() -> None:
            self._checks.refuse_unfinishable()
            require_open(self._ledger, patch.number, or_published=True)  # it may have been aborted meanwhile

        batch = PatchBatch(
            claim=head.claim,
            contract_version=patch.contract_version,
            checkpoints=self._empty_checkpoints(head),
            frontier=head.frontier,
            outputs=_batch_outputs(files),
            patch=patch.number,
            records=tuple(moving.spans()),
            why=patch.why,
        )
        self._finisher.record_batch(head, batch, last_check=last_check)

    def _record_rollback_batch(
        self, head: Head, rollback: Patch, patch: Patch, files: FilesRead, own: Positions
    ) -> None:
        """Decide the batch of a rollback, unless another publisher is first."""
        batch = PatchRollbackBatch(
            claim=head.claim,
            contract_version=rollback.contract_version,
            checkpoints=self._empty_checkpoints(head),
            frontier=head.frontier,
            outputs=_batch_outputs(files),
            patch=rollback.number,
            rolls_back=patch.number,
            records=tuple(own.spans()),
            why=rollback.why,
        )
        self._finisher.record_batch(head, batch, last_check=self._checks.refuse_unfinishable)

    def _empty_checkpoints(self, head: Head) -> tuple[int, int]:
        """No checkpoints: a range after all earlier ones, so that these are still found by bisection."""
        last = self._ledger.required(DONE, head.batch).checkpoints[1] if head.batch else 0
        return last + 1, last


def _batch_outputs(files: FilesRead) -> dict[str, BatchOutput]:
    return {o: BatchOutput(files=tuple(f.recorded() for f in of_output)) for o, of_output in files.items()}
