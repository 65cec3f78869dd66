"""Put a patch into the tables: its rows come in, and whatever other rows have their positions go out.

Decided by a batch record like any other, and finished by whoever finds it: the steps are those of
:mod:`headrace.lake.publish`. Since each record that comes in had one home before, or none where it comes from
a file, each has exactly one behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.errors import ConservationError, DecisionNeeded, UsageError
from headrace.lake import patches, rewritten
from headrace.lake.delta import Added
from headrace.lake.ledger import Head, Record, now
from headrace.lake.manifests import StagedFile
from headrace.lake.offsets import ReadFile, Span, read_files
from headrace.lake.patches import BACKFILL, REDRIVE, UNDO, Patch
from headrace.lake.positions import Positions
from headrace.lake.publish import Published, Publisher
from headrace.lake.tables import open_table
from headrace.table.outputs import Output

Files = dict[str, list[ReadFile]]
"""By output."""
Homes = dict[str, Positions]
"""By output, which of a patch's records are there now."""


class Patcher(Publisher):
    """Publishes a job's patches."""

    def put_in(self, number: int) -> Published:
        """Put a judged patch in. Safe to repeat, and beside any other publisher.

        Raises:
            DecisionNeeded: it is not judged yet.
            ConservationError: a record would have two homes behind it, or none.
            UsageError: it was given up.
        """
        while True:
            finished = self.finish_open_batch()
            head = self.ledger.head()
            if patches.batch_of(self.ledger.decisions(), number):
                return Published(head, finished, {})
            patch = patches.open_one(self.ledger, number)
            judged = patches.judged_of(self.ledger, number)
            if judged is None:
                raise DecisionNeeded(
                    f"{patch.kind} {number} is not judged yet",
                    where=f"job {self.ledger.job}",
                    remedy=f"headrace patch apply {self.ledger.job} {number}",
                )
            coming = {o: self._read_again(o, files) for o, files in judged.files.items()}
            self._decide(head, patch, self._checked(patch, coming), {})

    def give_up(self, number: int, why: str) -> None:
        """Decide that a patch is never put in.

        Raises:
            UsageError: it is in already, or was given up.
            DecisionNeeded: it was put in in the same moment.
        """
        self.finish_open_batch()
        patches.open_one(self.ledger, number)
        self.ledger.decide(patches.GIVE_UP, why=why, patch=number)
        self.finish_open_batch()
        if patches.batch_of(self.ledger.decisions(), number):
            raise DecisionNeeded(
                f"patch {number} was put in in the same moment",
                where=f"job {self.ledger.job}",
                remedy=f"headrace patch undo {self.ledger.job} {number} --why TEXT takes it back",
            )

    def undo(self, number: int, why: str) -> Published:
        """Take a patch back: its rows go out, those that it took out come in again. Safe to repeat.

        Raises:
            UsageError: it is not in; or a later patch or a replay stands on it.
        """
        undoing: Patch | None = None
        while True:
            finished = self.finish_open_batch()
            head, decisions = self.ledger.head(), self.ledger.decisions()
            if number in patches.undone(decisions):
                return Published(head, finished, {})
            patch = patches.one(self.ledger, number)
            batch = self._undoable(patch, head)
            undoing = undoing or patches.record(
                self.ledger,
                Patch(0, UNDO, f"{patch.kind} {number}", why, "", "", patch.contract_version, 0, of=number),
            )
            record = self.ledger.required("batches", batch)
            own = self._positions(record)
            before = self.ledger.required("done", batch - 1)["versions"] if batch > 1 else {}
            coming = {o.id: self._as_it_was(o, before.get(o.id), own, undoing) for o in self.outputs}
            self._decide(head, undoing, coming, {"out": [str(s) for s in own.spans()]})

    def _undoable(self, patch: Patch, head: Head) -> int:
        """The batch that put it in, if nothing stands on it.

        Raises:
            UsageError: otherwise.
        """
        decisions, job = self.ledger.decisions(), self.ledger.job
        batch = patches.batch_of(decisions, patch.number)
        if not batch or patch.kind == UNDO:
            raise UsageError(
                f"{patch.kind} {patch.number} is {patches.state(self.ledger, patch.number)}:"
                " there is nothing to take back",
                remedy=f"headrace patch ls {job}",
            )
        back = patches.undone(decisions)
        later = [
            p
            for p in patches.every(self.ledger)
            if p.kind != UNDO and p.number not in back and patches.batch_of(decisions, p.number) > batch
        ]
        if later:
            raise UsageError(
                f"{later[-1].kind} {later[-1].number} was put in later",
                where=f"job {job}",
                remedy=f"take it back first: headrace patch undo {job} {later[-1].number} --why TEXT",
            )
        if head.since > batch:
            raise UsageError(
                f"a replay was published, or taken back, since {patch.kind} {patch.number} was put in",
                where=f"job {job}, batch {head.since}",
                remedy="the tables hold what that left: time travel shows them as they were",
            )
        return batch

    def _as_it_was(
        self, output: Output, version: int | None, own: Positions, undoing: Patch
    ) -> list[ReadFile]:
        """The rows of these records in a version of a table, written once more."""
        table = None if version is None else open_table(self.warehouse, output.id, version)
        found: list[Added] = []
        for path in rewritten.meeting(table, own) if table else []:
            raw = pa.BufferReader(self.warehouse.read(f"{output.id}/{path}"))
            rows = pq.read_table(raw, partitioning=None)
            held = own.holds(rows["_partition"].to_numpy(), rows["_offset"].to_numpy())
            if held.any():
                folder = f"{rewritten.PATCHED}{undoing.number}"
                place = rewritten.partition_of(path)
                found.append(
                    rewritten.write(self.warehouse, output, place, rows.filter(pa.array(held)), folder)
                )
        return read_files(
            self.warehouse, output.id, [StagedFile(f.path, f.size) for f in found], output.columns
        )

    # what must be true before a batch is decided

    def _checked(self, patch: Patch, coming: Files) -> Files:
        """The files that are to come in: each of their records has the one home now that it is to have."""
        own = Positions.gathered(f.positions for files in coming.values() for f in files)
        rows = sum(f.rows for files in coming.values() for f in files)
        if rows != len(own):
            raise self._refused(patch, f"the judged files hold {rows:,} rows of {len(own):,} records")
        if patch.kind == REDRIVE:
            return self._still_refused(patch, coming, own)
        if patch.kind == BACKFILL:
            if there := self._there(own):
                raise self._refused(patch, f"rows of its files are in the tables already: {there}")
            return coming
        asked = Positions.of_spans(
            Span(p, o, patch.end[p] - 1) for p, o in patch.first.items() if o < patch.end[p]
        )
        there = self._there(asked)
        if lacking := there.without(own):
            raise self._refused(patch, f"published records were not read again: {lacking}")
        if more := own.without(there):
            raise self._refused(patch, f"records came that are not published: {more}")
        return coming

    def _still_refused(self, patch: Patch, coming: Files, own: Positions) -> Files:
        """Of a redrive only what is in quarantine still: another one, or a replay, may have been faster."""
        homes = self._homes(own)
        quarantine, data = (o.id for o in self.outputs)
        if twice := homes[data].both(homes[quarantine]):
            raise self._refused(patch, f"records are in both tables: {twice}")
        gone = own.without(homes[quarantine])
        if gone:
            left = {}
            for output in self.outputs:
                paths = [f.file.path for f in coming.get(output.id, [])]
                cut = rewritten.take_out(self.warehouse, output, paths, gone.holds)
                out = {f.path for f in cut.going}
                kept = [f for f in coming.get(output.id, []) if f.file.path not in out]
                fresh = [StagedFile(f.path, f.size) for f in cut.coming]
                left[output.id] = kept + read_files(self.warehouse, output.id, fresh, output.columns)
            coming = left
        return coming

    def _refused(self, patch: Patch, what: str) -> ConservationError:
        return ConservationError(
            what,
            where=f"job {self.ledger.job}, {patch.kind} {patch.number}",
            remedy=f"nothing was changed; headrace patch drop {self.ledger.job} {patch.number} --why TEXT,"
            " and ask again",
        )

    def _homes(self, positions: Positions) -> Homes:
        found = {}
        for output in self.outputs:
            table = open_table(self.warehouse, output.id)
            found[output.id] = (
                rewritten.found(self.warehouse, output, table, positions) if table else Positions()
            )
        return found

    def _there(self, positions: Positions) -> Positions:
        return Positions.gathered(found.offsets for found in self._homes(positions).values())

    def _read_again(self, output: str, files: Sequence[Record]) -> list[ReadFile]:
        columns = next(o.columns for o in self.outputs if o.id == output)
        return read_files(self.warehouse, output, [StagedFile(f["path"], f["size"]) for f in files], columns)

    # the batch

    def _decide(
        self, head: Head, patch: Patch, coming: Files, more: Mapping[str, Record | list[str]]
    ) -> None:
        done = self.ledger.get("done", head.batch) or {"claim": 0, "checkpoints": [0, 0]}
        last = done["checkpoints"][1]
        batch = {
            "batch": head.batch + 1,
            "after": head.digest,
            "claim": done["claim"],
            "contract_version": patch.contract_version,
            # None of its own: behind all that were, so that they are still found by bisection.
            "checkpoints": [last + 1, last],
            "frontier": {str(p): o for p, o in sorted(head.frontier.items())},
            "outputs": {
                o.id: {"manifests": [], "files": [as_recorded(f) for f in coming.get(o.id, [])]}
                for o in self.outputs
            },
            "patch": patch.number,
            "undoes": patch.of if patch.kind == UNDO else None,
            "repaired": bool(patch.repair),
            "why": patch.why,
            "at": now(),
            **more,
        }
        self.step("batch")
        self.ledger.put("batches", head.batch + 1, batch)


def as_recorded(read: ReadFile) -> Record:
    """A file as records keep it."""
    return {
        "path": read.file.path,
        "size": read.file.size,
        "rows": read.rows,
        "partition": read.file.partition,
        "statistics": read.statistics,
    }
