"""Put a patch into the tables: its rows come in, and whatever other rows have their positions go out.

Decided by a batch record like any other, and finished by any publisher that finds it: the steps are those of
:mod:`headrace.publish.publisher`. Each record that comes in had one home before, or none where it comes from
a file; so each has exactly one afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from headrace.delta.commit import refuse_other_columns
from headrace.delta.rewrite import remove_rows, restore_files
from headrace.errors import ConservationError, DecisionNeeded, UsageError
from headrace.files import RecordedFile, StagedFile
from headrace.ledger import patches
from headrace.ledger.decisions import discarded
from headrace.ledger.head import Head
from headrace.ledger.patches import BACKFILL, REDRIVE, REPLAY, UNDO
from headrace.ledger.records import DONE, BatchOutput, DropPatch, JudgedPatch, Patch, PatchBatch, UndoBatch
from headrace.ledger.replays import as_option
from headrace.offsets import Span
from headrace.positions import Positions
from headrace.publish.checks import Checks
from headrace.publish.finish import Finisher
from headrace.publish.patch_history import PatchHistory, require_open
from headrace.publish.publisher import Published
from headrace.publish.staged_files import ReadFile, read_files
from headrace.publish.tables import JobTables
from headrace.read.records import PATCHED, positions_held
from headrace.read.tables import open_table
from headrace.table.outputs import Output

Files = dict[str, list[ReadFile]]
"""By output."""
Homes = dict[str, Positions]
"""By output, which of a patch's records are there now."""


class Patcher:
    """Publishes a job's patches, and undoes them."""

    def __init__(self, tables: JobTables) -> None:
        self.tables, self._ledger = tables, tables.ledger
        self._checks, self._finisher = Checks(tables), Finisher(tables)

    def publish(self, number: int) -> Published:
        """Put a judged patch in. Safe to repeat, and beside any other publisher.

        Raises:
            DecisionNeeded: it is not judged yet.
            ConservationError: a record would have two homes afterwards, or none.
            UsageError: it was given up.
        """
        while True:
            finished = self._finisher.finish_open_batch()
            head = self._ledger.head()
            if patches.batch_of(self._ledger.decisions(), number):
                return Published(head, finished, {})
            patch = require_open(self._ledger, number, or_published=True)
            judged = patches.judged_of(self._ledger, number)
            if judged is None:
                raise DecisionNeeded(
                    f"{patch.name} is not judged yet",
                    where=f"job {self._ledger.job}",
                    remedy=f"headrace patch apply {self._ledger.job} {number}",
                )
            coming = {o: self._read_again(o, files) for o, files in judged.files.items()}
            self._refuse_other_topic(patch, head)
            coming = self._checked(patch, judged, coming)
            if not any(coming.values()):
                passed = any(judged.files.values())
                self.drop(number, "no record of it is left to be moved" if passed else "none of it passed")
                return Published(head, finished, {})
            self._put(head, patch, coming)

    def _refuse_other_topic(self, patch: Patch, head: Head) -> None:
        """Refuse a stretch of the topic that may be of another one: it was read before this question."""
        others = (
            [c for c in self._checks.query_topics(head).changes if c.other] if patch.kind == REPLAY else []
        )
        if others:
            spans = ", ".join(
                f"{p}:{o}-{patch.end[p] - 1}" for p, o in patch.first.items() if o < patch.end[p]
            )
            raise DecisionNeeded(
                f"{others[0]}. {patch.name} may have read records of it: {spans}",
                where=f"topic id {others[0].id or 'none'}, the job began on {others[0].was}",
                remedy=f"headrace patch drop {self._ledger.job} {patch.number} --why TEXT leaves it",
            )

    def drop(self, number: int, why: str) -> None:
        """Decide that a patch is never put in.

        Raises:
            UsageError: it is in already, or was given up.
            DecisionNeeded: it was published at the same moment.
        """
        self._finisher.finish_open_batch()
        require_open(self._ledger, number)
        self._ledger.decide(DropPatch(why=why, patch=number))
        self._finisher.finish_open_batch()
        if patches.batch_of(self._ledger.decisions(), number):
            raise DecisionNeeded(
                f"patch {number} was published at the same moment",
                where=f"job {self._ledger.job}",
                remedy=f"headrace patch undo {self._ledger.job} {number} --why TEXT undoes it",
            )

    def undo(self, number: int, why: str) -> Published:
        """Undo a patch: its rows go out, and those that it removed come in again. Safe to repeat.

        Raises:
            UsageError: it is not in; or a later patch or a replay stands on it.
        """
        while True:
            finished = self._finisher.finish_open_batch()
            head, history = self._ledger.head(), PatchHistory(self._ledger)
            if number in patches.undone(history.decisions):
                return Published(head, finished, {})
            patch = patches.one(self._ledger, number)
            batch = self._require_undoable(patch, history)
            own = history.records(batch)
            before = self._ledger.required(DONE, batch - 1).versions if batch > 1 else {}
            coming = {
                o.id: self._write_former_rows(o, before.get(o.id), own, patch) for o in self.tables.outputs
            }
            self._decide_undo(head, self._record_undo(patch, why), coming, own)

    def _record_undo(self, patch: Patch, why: str) -> Patch:
        """The record of the undo: that of one that was killed, or a new one."""
        begun = [p for p in patches.every(self._ledger) if p.kind == UNDO and p.undoes == patch.number]
        if begun:
            return begun[-1]
        undoing = Patch(
            kind=UNDO,
            origin=patch.name,
            why=why,
            by="",
            at="",
            contract_version=patch.contract_version,
            program="",
            records=0,
            undoes=patch.number,
        )
        return patches.record(self._ledger, undoing)

    def _require_undoable(self, patch: Patch, history: PatchHistory) -> int:
        """The batch that put it in, if nothing stands on it.

        Raises:
            UsageError: otherwise.
        """
        job, number = self._ledger.job, patch.number
        batch = patches.batch_of(history.decisions, number)
        if not batch or patch.kind == UNDO:
            raise UsageError(
                f"{patch.name} is {history.state(number)}: there is nothing to undo",
                remedy=f"headrace patch ls {job}",
            )
        own = history.records(batch)
        for later in self._overlapping_patches(batch, own, history):
            raise UsageError(
                f"{later.name} has published some of the same records later",
                where=f"job {job}",
                remedy=f"undo it first: headrace patch undo {job} {later.number} --why TEXT",
            )
        if gone := history.overwritten(number):
            raise UsageError(
                f"{gone.by} has put other rows in for {gone.records:,} of its {len(own):,} records since",
                where=f"job {job}, {patch.name}",
                remedy="the tables hold what that left: time travel shows them as they were; what is wrong"
                f" now is judged again by headrace replay plan {job}"
                f" --from-offsets {as_option(own.firsts())} --to-offsets {as_option(own.ends())} --why TEXT",
            )
        if gone_rows := own.without(self._there(own)):
            raise UsageError(
                f"{len(gone_rows):,} of its records are in no table any more: {gone_rows}",
                where=f"job {job}",
                remedy="they were deleted outside headrace: undoing the patch would restore them",
            )
        return batch

    def _overlapping_patches(self, batch: int, own: Positions, history: PatchHistory) -> list[Patch]:
        """Patches published after a batch that still hold some of these records, the newest first."""
        return [
            patches.one(self._ledger, d.patch)
            for d in reversed(history.later_patches(batch))
            if history.remaining(d.batch).intersection(own)
        ]

    def _write_former_rows(
        self, output: Output, version: int | None, own: Positions, patch: Patch
    ) -> list[ReadFile]:
        """Write files with the rows that these records had in a version of a table."""
        folder = f"{PATCHED}{patch.number}-undo"
        files = restore_files(self.tables.warehouse, output, version, own, folder)
        return read_files(self.tables.warehouse, output.id, files, output.columns)

    # what must be true before a batch is decided

    def _checked(self, patch: Patch, judged: JudgedPatch, coming: Files) -> Files:
        """The files that are to come in: each of their records has the one home now that it is to have."""
        if patch.contract_version != self.tables.contract.version:
            raise self._refused(
                patch,
                f"it was judged by contract version {patch.contract_version}; now it is"
                f" {self.tables.contract.version}",
            )
        own = Positions.union(f.positions for files in coming.values() for f in files)
        rows = sum(f.rows for files in coming.values() for f in files)
        if rows != len(own):
            raise self._refused(patch, f"the judged files hold {rows:,} rows of {len(own):,} records")
        if patch.kind == REDRIVE:
            return self._write_unmoved(patch, coming, own)
        if patch.kind == BACKFILL:
            self._refuse_taken(patch, own)
        else:
            self._refuse_moved(patch, judged, own)
        return coming

    def _refuse_taken(self, patch: Patch, own: Positions) -> None:
        """Of a backfill: neither its rows nor those of another file of the same bytes are there yet."""
        if there := self._there(own):
            raise self._refused(patch, f"rows of its files are in the tables already: {there}")
        mine = {f.sha256 for f in patch.files}
        for other, _ in patches.published(self._ledger, self._ledger.decisions()):
            if any(f.sha256 in mine for f in other.files):
                raise self._refused(patch, f"backfill {other.number} already holds the same bytes")

    def _refuse_moved(self, patch: Patch, judged: JudgedPatch, own: Positions) -> None:
        """Of a stretch of the topic: it is whole, and no patch came in between that it would undo."""
        spans = (Span(p, o, patch.end[p] - 1) for p, o in patch.first.items() if o < patch.end[p])
        there = self._there(Positions.of_spans(spans))
        if lacking := there.without(own):
            raise self._refused(patch, f"published records were not read again: {lacking}")
        if more := own.without(there):
            raise self._refused(patch, f"records came that are not published: {more}")
        for later in self._overlapping_patches(judged.after_batch, own, PatchHistory(self._ledger)):
            raise self._refused(
                patch, f"{later.name} has published some of these records since it was judged"
            )

    def _write_unmoved(self, patch: Patch, coming: Files, own: Positions) -> Files:
        """Of a redrive, write only what is still in quarantine and was not discarded meanwhile."""
        homes = self._homes(own)
        quarantine, data = (o.id for o in self.tables.outputs)
        if twice := homes[data].intersection(homes[quarantine]):
            raise self._refused(patch, f"records are in both tables: {twice}")
        stays = homes[quarantine].without(discarded(self._ledger))
        gone = own.without(stays)
        return (
            {o.id: self._write_without(o, coming.get(o.id, []), gone) for o in self.tables.outputs}
            if gone
            else coming
        )

    def _write_without(self, output: Output, files: Sequence[ReadFile], gone: Positions) -> list[ReadFile]:
        """Write judged files again, without the rows of some records."""
        cut = remove_rows(self.tables.warehouse, output, [f.file.path for f in files], gone.holds)
        out = {f.path for f in cut.removed}
        fresh = [StagedFile(path=f.path, size=f.size) for f in cut.added]
        kept = [f for f in files if f.file.path not in out]
        return kept + read_files(self.tables.warehouse, output.id, fresh, output.columns)

    def _refused(self, patch: Patch, what: str) -> ConservationError:
        return ConservationError(
            what,
            where=f"job {self._ledger.job}, {patch.name}",
            remedy=f"nothing was changed; headrace patch drop {self._ledger.job} {patch.number} --why TEXT,"
            " and request it again",
        )

    def _homes(self, positions: Positions) -> Homes:
        found = {}
        for output in self.tables.outputs:
            table = open_table(self.tables.warehouse, output.id)
            found[output.id] = (
                positions_held(self.tables.warehouse, output, table, positions) if table else Positions()
            )
        return found

    def _there(self, positions: Positions) -> Positions:
        return Positions.union(found.offsets for found in self._homes(positions).values())

    def _read_again(self, output: str, files: Sequence[RecordedFile]) -> list[ReadFile]:
        columns = next(o.columns for o in self.tables.outputs if o.id == output)
        return read_files(
            self.tables.warehouse, output, [StagedFile(path=f.path, size=f.size) for f in files], columns
        )

    # the batch

    def _put(self, head: Head, patch: Patch, coming: Files) -> None:
        """Decide the batch of a patch, unless another publisher is first."""

        def last_check() -> None:
            self._refuse_unfinishable()
            require_open(self._ledger, patch.number, or_published=True)  # it may have been given up meanwhile

        batch = PatchBatch(
            claim=head.claim,
            contract_version=patch.contract_version,
            checkpoints=self._empty_checkpoints(head),
            frontier=head.frontier,
            outputs=self._batch_outputs(coming),
            patch=patch.number,
            why=patch.why,
        )
        self._finisher.record_batch(head, batch, last_check=last_check)

    def _decide_undo(self, head: Head, undo: Patch, coming: Files, own: Positions) -> None:
        """Decide the batch of an undo, unless another publisher is first."""
        batch = UndoBatch(
            claim=head.claim,
            contract_version=undo.contract_version,
            checkpoints=self._empty_checkpoints(head),
            frontier=head.frontier,
            outputs=self._batch_outputs(coming),
            patch=undo.number,
            undoes=undo.undoes or 0,
            out=tuple(own.spans()),
            why=undo.why,
        )
        self._finisher.record_batch(head, batch, last_check=self._refuse_unfinishable)

    def _empty_checkpoints(self, head: Head) -> tuple[int, int]:
        """No checkpoints: a range after all earlier ones, so that these are still found by bisection."""
        last = self._ledger.required(DONE, head.batch).checkpoints[1] if head.batch else 0
        return last + 1, last

    def _batch_outputs(self, coming: Files) -> dict[str, BatchOutput]:
        return {
            o.id: BatchOutput(files=tuple(f.recorded() for f in coming.get(o.id, [])))
            for o in self.tables.outputs
        }

    def _refuse_unfinishable(self) -> None:
        """Once it is recorded, it must be possible to finish it."""
        for output in self.tables.outputs:
            refuse_other_columns(self.tables.warehouse, output.id, output.columns)
