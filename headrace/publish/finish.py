"""Write the batch that was decided, and finish the one that is open, whichever publisher decided it.

These are the steps of every kind of batch; a crash between any two is repaired by running again:

1. ``batches/n`` is written put-if-absent: from here on the batch is decided;
2. quarantine, then data: one Delta commit each, skipped where the table has it already (G2). A column that
   a table lacks and the batch needs is added first, in a commit of its own that changes no row;
3. the decision that the batch implies, if any, is recorded: a swap, for example, decides which claim is
   followed;
4. ``done/n`` is written; the batch is the head;
5. its manifests are folded: the ledger holds them, the folder of staged manifests no longer does.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from deltalake.transaction import Transaction

from headrace.delta.commit import add_column
from headrace.errors import LedgerError
from headrace.ledger.head import Head
from headrace.ledger.records import (
    BATCHES,
    DONE,
    Batch,
    Done,
    PublishBatch,
    Stored,
)
from headrace.ledger.stamp import now
from headrace.publish import effects
from headrace.publish.tables import JobTables
from headrace.read.tables import row_count
from headrace.table.columns import WHEN_NEEDED, TableColumn
from headrace.table.outputs import Output

log = structlog.get_logger()


class Finisher:
    """Finishes the batches of one job. Any number may run at once; each batch happens once."""

    def __init__(self, tables: JobTables) -> None:
        self._tables, self._ledger = tables, tables.ledger

    def record_batch(
        self, head: Head, batch: Batch, *, last_check: Callable[[], object] = lambda: None
    ) -> bool:
        """Write the batch that follows a head, unless another publisher has written one first.

        Whichever was recorded, :meth:`finish_open_batch` finishes it, so a caller may ignore the result.

        Args:
            head: the head that it follows.
            batch: without number, predecessor and time: these are set here.
            last_check: raises where the batch must not be decided any more.

        Returns:
            True if this batch was recorded, False if another publisher's was.
        """
        self._tables.step("batch")
        last_check()
        number = head.batch + 1
        stamped = batch.model_copy(update={"after": head.digest, "at": now()})
        recorded = self._ledger.put(BATCHES, number, stamped)
        if not recorded:
            log.info("another publisher wrote this batch", job=self._tables.job, batch=number)
        return recorded

    def finish_open_batch(self) -> int:
        """Bring a recorded batch into the tables; 1 if there was one, else 0.

        Raises:
            LedgerError: it does not follow the head, or was decided for other tables.
        """
        before = self._ledger.newest(DONE)
        number = before + 1
        stored = self._ledger.find(BATCHES, number)
        if stored is None:
            return 0
        batch = stored.record
        head = self._ledger.head_at(
            before
        )  # not the newest: another publisher may finish the batch meanwhile
        self._refuse_foreign_batch(batch, head)
        versions = self._commit(batch, head)
        if decision := effects.decision(batch, self._ledger):
            self._tables.step("decision")
            self._ledger.record_decision(decision)
        self._tables.step("done")
        self._ledger.put(DONE, number, self._done(stored, head, versions))
        self._tables.step("fold")
        self._fold(batch)
        why = {"empty": batch.empty} if isinstance(batch, PublishBatch) and batch.empty else {}
        log.info("published", job=self._tables.job, batch=number, versions=versions, **why)
        return 1

    def _refuse_foreign_batch(self, batch: Batch, head: Head) -> None:
        """Refuse a batch that was decided for other tables, or that follows another head."""
        where = f"{self._ledger.folder}/batches"
        if batch.outputs.keys() != self._tables.staged.keys():
            raise LedgerError(
                f"batch {batch.number} was decided for other tables than this program writes:"
                f" {', '.join(sorted(batch.outputs.keys() ^ self._tables.staged.keys()))}",
                where=where,
                remedy="start the publisher again, with the job as it was when the batch was decided",
            )
        if batch.after != head.digest:
            raise LedgerError(f"batch {batch.number} does not follow batch {head.batch}", where=where)

    def _commit(self, batch: Batch, head: Head) -> dict[str, int]:
        if isinstance(batch, PublishBatch) and not batch.has_rows:
            return head.versions
        warehouse = self._tables.warehouse
        versions = {}
        for output in self._tables.outputs:
            self._tables.step(f"commit {output.id}")
            for column in _needed(batch, output):
                add_column(warehouse, output, column)
            transaction = Transaction(f"{self._tables.job}/{output.id}", batch.number)
            target = effects.Target(warehouse, output, transaction)
            versions[output.id] = effects.commit(batch, target)
        return versions

    def _done(self, stored: Stored[Batch], head: Head, versions: dict[str, int]) -> Done:
        batch, outs = stored.record, stored.record.outputs
        position = effects.branch_position(batch, head)
        return Done(
            number=batch.number,
            kind=batch.kind,
            batch_digest=stored.digest,
            claim=batch.claim,
            checkpoints=batch.checkpoints,
            heads=_heads(batch, position),
            manifests={o: tuple(m.id for m in out.manifests) for o, out in outs.items()},
            frontier=batch.frontier,
            versions=versions,
            rows={o: self._rows(o, versions) for o in outs},
            written={o: head.written.get(o, 0) + sum(f.rows for f in out.files) for o, out in outs.items()},
            keys={o.id: o.key for o in self._tables.outputs},
            since=position.since,
            epochs=position.epochs,
            tails=position.tails,
            fork=position.fork,
        )

    def _rows(self, output: str, versions: dict[str, int]) -> int:
        return row_count(self._tables.warehouse, output, versions[output]) if output in versions else 0

    def _fold(self, batch: Batch) -> None:
        for output in self._tables.outputs:
            ids = {m.id for m in batch.outputs[output.id].manifests}
            known = self._tables.staged[output.id].read()
            self._tables.staged[output.id].delete_folded(known[i] for i in sorted(ids) if i in known)


def _needed(batch: Batch, output: Output) -> list[TableColumn]:
    """The columns that a table must have for a batch, of those that it has only once they are needed."""
    held = {name for f in batch.outputs[output.id].files for name in f.holds}
    return [column for name, column in WHEN_NEEDED.items() if name in held]


def _heads(batch: Batch, position: effects.BranchPosition) -> dict[str, str]:
    """By output, the newest published manifest once a batch is finished."""
    newest = {o: out.manifests[-1].id for o, out in batch.outputs.items() if out.manifests}
    heads = {o: newest.get(o) or position.manifests.get(o) for o in batch.outputs}
    return {o: manifest for o, manifest in heads.items() if manifest}
