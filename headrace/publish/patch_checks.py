"""What must be true before a patch is published, or rolled back. Reads, and changes nothing."""

from __future__ import annotations

from headrace.delta.commit import refuse_other_columns
from headrace.errors import ConservationError, DecisionNeeded, UsageError
from headrace.ledger import patches
from headrace.ledger.decisions import discarded_records
from headrace.ledger.head import Head
from headrace.ledger.patch_history import PatchHistory
from headrace.ledger.patches import BACKFILL, REDRIVE, REPLAY, ROLLBACK
from headrace.ledger.records import JudgedPatch, Patch
from headrace.ledger.replays import as_option
from headrace.offsets import Span
from headrace.positions import Positions
from headrace.publish.staged_files import FilesRead, positions_of
from headrace.publish.tables import JobTables
from headrace.publish.topics import query_topics
from headrace.read.records import positions_held
from headrace.read.tables import open_table


class PatchChecks:
    """The checks of one job's patches."""

    def __init__(self, tables: JobTables) -> None:
        self._tables, self._ledger = tables, tables.ledger

    def require_judged(self, patch: Patch) -> JudgedPatch:
        """What the bounded job made of a patch.

        Raises:
            DecisionNeeded: it is not judged yet.
        """
        judged = patches.judged_of(self._ledger, patch.number)
        if judged is None:
            raise DecisionNeeded(
                f"{patch.name} is not judged yet",
                where=f"job {self._ledger.job}",
                remedy=f"headrace patch apply {self._ledger.job} {patch.number}",
            )
        return judged

    def refuse_other_topic(self, patch: Patch, head: Head) -> None:
        """Refuse a range of the topic that may be of another one. Call it after the range was read."""
        if patch.kind != REPLAY:
            return
        others = [c for c in query_topics(self._tables.source, self._ledger, head).changes if c.other]
        if others:
            spans = ", ".join(map(str, _spans(patch)))
            raise DecisionNeeded(
                f"{others[0]}. {patch.name} may have read records of it: {spans}",
                where=f"topic id {others[0].id or 'none'}, the job began on {others[0].was}",
                remedy=f"headrace patch abort {self._ledger.job} {patch.number} --why TEXT leaves it",
            )

    def refuse_unpublishable(self, patch: Patch, judged: JudgedPatch, files: FilesRead) -> None:
        """Refuse a patch after which a record would have two homes, or none.

        Raises:
            ConservationError: says why.
        """
        if patch.contract_version != self._tables.contract.version:
            raise self._refused(
                patch,
                f"it was judged by contract version {patch.contract_version}; now it is"
                f" {self._tables.contract.version}",
            )
        own = positions_of(files)
        rows = sum(f.rows for of_output in files.values() for f in of_output)
        if rows != len(own):
            raise self._refused(patch, f"the judged files hold {rows:,} rows of {len(own):,} records")
        if patch.kind == BACKFILL:
            self._refuse_taken(patch, own)
        elif patch.kind == REPLAY:
            self._refuse_moved(patch, judged, own)

    def _refuse_taken(self, patch: Patch, own: Positions) -> None:
        """Of a backfill: neither its rows nor those of another file of the same bytes are there yet."""
        if there := self._there(own):
            raise self._refused(patch, f"rows of its files are in the tables already: {there}")
        mine = {f.sha256 for f in patch.files}
        for other, _ in patches.published(self._ledger, self._ledger.decisions()):
            if any(f.sha256 in mine for f in other.files):
                raise self._refused(patch, f"backfill {other.number} already holds the same bytes")

    def _refuse_moved(self, patch: Patch, judged: JudgedPatch, own: Positions) -> None:
        """Of a range of the topic: it is whole, and no later patch was published that it would reverse."""
        there = self._there(Positions.of_spans(_spans(patch)))
        if lacking := there.without(own):
            raise self._refused(patch, f"published records were not read again: {lacking}")
        if more := own.without(there):
            raise self._refused(patch, f"the bounded job read unpublished records: {more}")
        for later in self._overlapping_patches(judged.after_batch, own, PatchHistory(self._ledger)):
            raise self._refused(
                patch, f"{later.name} has published some of these records since it was judged"
            )

    def records_to_move(self, patch: Patch, own: Positions) -> Positions:
        """Of a patch's judged records, those that are still to be published.

        A redrive leaves out what is no longer in quarantine, or was discarded, since it was requested.

        Raises:
            ConservationError: a record that it would move is in both tables.
        """
        if patch.kind != REDRIVE:
            return own
        quarantine, data = (o.id for o in self._tables.outputs)
        homes = self._homes(own)
        if twice := homes[data].intersection(homes[quarantine]):
            raise self._refused(patch, f"records are in both tables: {twice}")
        return homes[quarantine].without(discarded_records(self._ledger)).intersection(own)

    def refuse_unfinishable(self) -> None:
        """Refuse tables that could not take a batch: once recorded, it must be possible to finish it."""
        for output in self._tables.outputs:
            refuse_other_columns(self._tables.warehouse, output.id, output.columns)

    def require_reversible(self, patch: Patch, history: PatchHistory) -> int:
        """The batch that published it, if nothing was published on top of it.

        Raises:
            UsageError: otherwise.
        """
        job, number = self._ledger.job, patch.number
        batch = patches.batch_of(history.decisions, number)
        if not batch or patch.kind == ROLLBACK:
            raise UsageError(
                f"{patch.name} is {history.state(number)}: there is nothing to roll back",
                remedy=f"headrace patch ls {job}",
            )
        own = history.records(batch)
        for later in self._overlapping_patches(batch, own, history):
            raise UsageError(
                f"{later.name} has published some of the same records later",
                where=f"job {job}",
                remedy=f"roll it back first: headrace patch rollback {job} {later.number} --why TEXT",
            )
        if overwritten := history.overwritten(number):
            raise UsageError(
                f"{overwritten.by} has published other rows for {overwritten.records:,} of its {len(own):,}"
                " records since",
                where=f"job {job}, {patch.name}",
                remedy="the tables hold what that left: time travel shows them as they were; what is wrong"
                f" now is judged again by headrace replay plan {job}"
                f" --from-offsets {as_option(own.firsts())} --to-offsets {as_option(own.ends())} --why TEXT",
            )
        if deleted := own.without(self._there(own)):
            raise UsageError(
                f"{len(deleted):,} of its records are in no table any more: {deleted}",
                where=f"job {job}",
                remedy="they were deleted outside headrace: rolling the patch back would restore them",
            )
        return batch

    def _overlapping_patches(self, batch: int, own: Positions, history: PatchHistory) -> list[Patch]:
        """Patches published after a batch that still hold some of these records, the newest first."""
        return [
            patches.one(self._ledger, d.patch)
            for d in reversed(history.later_patches(batch))
            if history.remaining(d.batch).intersection(own)
        ]

    def _refused(self, patch: Patch, what: str) -> ConservationError:
        return ConservationError(
            what,
            where=f"job {self._ledger.job}, {patch.name}",
            remedy=f"nothing was changed; headrace patch abort {self._ledger.job} {patch.number} --why TEXT,"
            " and request it again",
        )

    def _homes(self, positions: Positions) -> dict[str, Positions]:
        """By output, which of these records are there now."""
        warehouse = self._tables.warehouse
        tables = {o: open_table(warehouse, o.id) for o in self._tables.outputs}
        return {
            o.id: positions_held(warehouse, o, table, positions) if table else Positions()
            for o, table in tables.items()
        }

    def _there(self, positions: Positions) -> Positions:
        """Which of these records are in any table now."""
        return Positions.union(held.offsets for held in self._homes(positions).values())


def _spans(patch: Patch) -> list[Span]:
    """The range of the topic that a bounded replay reads."""
    return [Span(p, o, patch.end[p] - 1) for p, o in patch.first.items() if o < patch.end[p]]
