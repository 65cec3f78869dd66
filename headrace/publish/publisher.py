"""Publish: from the head along one chain of manifests into the tables, one batch at a time.

The steps of :meth:`Publisher.once`, in order; a crash between any two is repaired by running again:

1. an unfinished batch is finished first, by whoever finds it;
2. the followed claim's chain is walked from the head, and cut where every output has sealed;
3. Kafka is asked whether the topics are still those that the job began on (:mod:`headrace.publish.topics`);
4. every file's footer and offset columns are read; the offsets must continue the frontier (G1);
5. ``batches/n`` is written put-if-absent: from here on the batch is decided;
6. quarantine, then data: one Delta commit each, skipped where it stands already (G2);
7. ``done/n`` is written; the batch is the head;
8. its manifests are folded: the ledger holds them, the folder forgets them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from deltalake.transaction import Transaction

from headrace.contract.model import Contract
from headrace.delta.commit import add_column, refuse_other_columns
from headrace.errors import ConservationError, DecisionNeeded, LedgerError, UsageError
from headrace.files import RecordedFile, StagedFile
from headrace.ledger import anchors
from headrace.ledger.branch import Stretch, followed, stretch, unpublished
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger, now
from headrace.ledger.manifests import Staged
from headrace.ledger.records import (
    BATCHES,
    DONE,
    Batch,
    BatchOutput,
    Claim,
    Done,
    Manifest,
    PublishBatch,
    Stored,
    TopicNotes,
    TopicStart,
)
from headrace.offsets import Offsets, Span
from headrace.publish import effects
from headrace.publish import tail as tails
from headrace.publish.fit import refuse_other_key
from headrace.publish.frontier import continue_frontier
from headrace.publish.staged_files import ReadFile, read_files
from headrace.publish.topics import Asked, Source, ask, beyond, noted
from headrace.read.tables import row_count
from headrace.storage.warehouse import Warehouse
from headrace.table.columns import WHEN_NEEDED, TableColumn
from headrace.table.outputs import Output

log = structlog.get_logger()

EMPTY_KEPT = 60
"""Checkpoints without rows that may wait: they change no table, and a batch of them would tell nothing."""


class Step(Protocol):
    """Called before each step with its name; tests kill a publisher there."""

    def __call__(self, name: str) -> None:
        """Come by ``name``."""


@dataclass(frozen=True)
class Published:
    """What one call did."""

    head: Head
    batches: int
    written: dict[str, int]
    """Rows that it wrote into each table; a table that amends may hold fewer."""
    waiting_for: int | None = None
    """The claim whose first manifest is still to come, or None."""
    empty: str = ""
    """Why there is a batch without rows, where it made one."""


class Publisher:
    """Publishes one job. Any number may run at once; each batch happens once."""

    def __init__(
        self,
        warehouse: Warehouse,
        contract: Contract,
        outputs: Sequence[Output],
        source: Source,
        step: Step = lambda _name: None,
    ) -> None:
        self.warehouse, self.contract, self.source, self.step = warehouse, contract, source, step
        self.ledger = Ledger(warehouse, contract.id)
        self.outputs = outputs
        self.staged = {o.id: Staged(warehouse, o.id) for o in self.outputs}

    def once(self) -> Published:
        """Publish what is ready now. Checkpoints without rows wait, unless a batch of them is needed.

        Raises:
            DecisionNeeded: the followed chain is a fork, a topic is another one, or Kafka lost records.
            ConservationError: an offset would be published twice, or never.
        """
        finished = self.finish_open_batch()
        head = self.ledger.head()
        claim = followed(self.ledger.claims(), StandingDecisions.of(self.ledger.decisions()))
        if claim is None:
            return Published(head, finished, {})
        try:
            found = self._stretch(head, claim)
        except (DecisionNeeded, LedgerError):
            if self.ledger.head() == head:
                raise
            # Another publisher moved the head while we looked: no fork, look again.
            again = self.once()
            return replace(again, batches=finished + again.batches)
        if found is None:
            return Published(head, finished, {}, waiting_for=self._awaited(claim))
        empty = "" if _has_rows(found) else self._needed(found)
        if not (_has_rows(found) or empty):
            return Published(head, finished, {})
        asked = self._asked(head)
        found, read, on_word = self._vouched(head, claim, found, asked)
        frontier, notes = self._frontier(head, read, asked, on_word=on_word)
        self._decide(
            PublishBatch(
                number=head.batch + 1,
                after=head.digest,
                claim=claim.number,
                contract_version=claim.contract_version,
                checkpoints=found.checkpoints,
                frontier=frontier,
                outputs=self._outputs(found, read),
                at=now(),
                notes=notes,
                empty=empty,
            )
        )
        finished += self.finish_open_batch()
        after = self.ledger.head()
        written = {o: n - head.written.get(o, 0) for o, n in after.written.items()}
        return Published(after, finished, written, empty=empty)

    # what there is to publish

    def _stretch(self, head: Head, claim: Claim) -> Stretch | None:
        staged = {output: self._unpublished(output, head) for output in self.staged}
        found = stretch(self.ledger, head, staged, claim)
        return found if found and any(found.manifests.values()) else None

    def _unpublished(self, output: str, head: Head) -> dict[str, Manifest]:
        """Staged manifests without those that a restored job committed once more after they were folded."""
        manifests = self.staged[output].read()
        fresh = unpublished(self.ledger, head, output, manifests)
        self.staged[output].fold(m for i, m in manifests.items() if i not in fresh)
        return fresh

    def _needed(self, found: Stretch) -> str:
        """Why a batch without rows is needed all the same; empty where it is not."""
        waiting = max(map(len, found.manifests.values()))
        if waiting >= EMPTY_KEPT:
            return f"it folds {waiting} checkpoints without rows, which each look would read again"
        ends = {m.id for each in found.manifests.values() for m in each}
        for anchor in anchors.standing(self.ledger):
            if ends & set(anchor.manifests.values()):
                return f"anchor {anchor.number} stands there, and a replay begins at what is published"
        return ""

    def waiting(self) -> tuple[Stretch, tails.Tail]:
        """What is staged after the head.

        Raises:
            UsageError: there is nothing.
        """
        head = self.ledger.head()
        claim = followed(self.ledger.claims(), StandingDecisions.of(self.ledger.decisions()))
        found = self._stretch(head, claim) if claim else None
        if claim is None or found is None:
            raise UsageError(
                f"nothing of job {self.contract.id} is staged and not published",
                remedy=f"headrace status {self.contract.id}",
            )
        return found, tails.Tail.of(claim.number, found, self._read(found), head.frontier)

    # what Kafka says of the topics

    def _asked(self, head: Head) -> Asked:
        """Ask about the topics; all that will be published was read from the staged manifests before."""
        return ask(self.source, self.ledger, head)

    def _vouched(
        self, head: Head, claim: Claim, found: Stretch, asked: Asked
    ) -> tuple[Stretch, dict[str, list[ReadFile]], bool]:
        """What may be published of a stretch, its files, and whether that is on a person's word.

        Raises:
            DecisionNeeded: its rows may be of another topic, or their topic lost them.
        """
        job, rulings = self.contract.id, StandingDecisions.of(self.ledger.decisions())
        if ruled := tails.accepted(rulings, claim, found):
            return ruled, self._read(ruled), True
        accepted = [span for ruling in rulings.losses for span in ruling.spans]
        if any(not any(a.covers(s) for a in accepted) for c in asked.changes for s in c.lost):
            raise tails.lost_below_frontier(job, asked.changes)
        read = self._read(found)
        tail = tails.Tail.of(claim.number, found, read, head.frontier)
        if any(c.other for c in asked.changes):
            raise tails.other_topic(job, asked.changes, tail)
        if (own := asked.standings.get(job)) and (lost := beyond(own, tail.spans)):
            raise tails.beyond_end(job, self._topic(), lost, tail)
        return found, read, False

    def _awaited(self, claim: Claim) -> int | None:
        return None if self.ledger.head().claim == claim.number else claim.number

    # the batch

    def _read(self, found: Stretch) -> dict[str, list[ReadFile]]:
        """Every file of the manifests, in their order."""
        self.step("read")
        head = self.ledger.head()
        for output in self.outputs:
            refuse_other_columns(self.warehouse, output.id, output.columns)
            refuse_other_key(self.warehouse, head, output)
        files = {o.id: [f for m in found.manifests[o.id] for f in m.files] for o in self.outputs}
        with tails.other_columns(self.ledger.job, found, self.contract.kind):
            return {o.id: self._files(o, files[o.id]) for o in self.outputs}

    def _files(self, output: Output, files: Sequence[StagedFile]) -> list[ReadFile]:
        found = read_files(self.warehouse, output.id, files, output.columns)
        for file in found:
            self._refuse_wrapped(output, file)
            if file.unbounded:
                log.warning(
                    "published without bounds: times after the year 9999",
                    file=f"{output.id}/{file.file.path}",
                    columns=list(file.unbounded),
                )
        return found

    def _refuse_wrapped(self, output: Output, file: ReadFile) -> None:
        """A Kafka time that wrapped around is not true, and the record is still in the topic."""
        job = self.contract.id
        if file.wrapped:
            raise LedgerError(
                f"{file.wrapped:,} rows of a staged file have another Kafka time than their records: an older"
                " version of the program wrote it",
                where=f"{output.id}/{file.file.path}",
                remedy=f"nothing was published; the records have to be read again: `headrace stop {job}`,"
                f" `headrace branch restart {job} --why TEXT`, `headrace run {job}`",
            )

    def _outputs(self, found: Stretch, read: Mapping[str, Sequence[ReadFile]]) -> dict[str, BatchOutput]:
        """What a batch takes into each table: these manifests, and their files."""
        return {
            o.id: BatchOutput(
                manifests=tuple(m.folded() for m in found.manifests[o.id]),
                files=_recorded(found.manifests[o.id], read[o.id]),
            )
            for o in self.outputs
        }

    def _decide(self, batch: Batch) -> None:
        """Write the batch, after every check; another publisher may be first."""
        self.step("batch")
        self._record(batch)

    def _record(self, batch: Batch) -> None:
        if not self.ledger.put(BATCHES, batch.number, batch):
            log.info("another publisher wrote this batch", job=self.contract.id, batch=batch.number)

    def _frontier(
        self, behind: Head, read: Mapping[str, Sequence[ReadFile]], asked: Asked, *, on_word: bool = False
    ) -> tuple[Offsets, TopicNotes]:
        """How a batch that goes on from ``behind`` continues its frontier, after every check.

        A derive job's rows have no place in a topic: what they are made of is fixed by Flink's checkpoint,
        and the chain of manifests is all that keeps them apart from those of a rewound job.
        """
        if self.contract.kind == "derive":
            return {}, TopicNotes()
        frontier, counted = self._counted(behind.frontier, read, on_word=on_word)
        if counted.holes or counted.lost:
            self._require_same()
        epochs, tails_ = noted(behind, asked, self.contract.id, frontier)
        return frontier, counted.model_copy(update={"epochs": epochs, "tails": tails_})

    def _require_same(self) -> None:
        """Refuse another topic: what it said of holes would be a word about other records.

        Raises:
            DecisionNeeded: it was deleted and created again in this moment.
        """
        if others := [c for c in ask(self.source, self.ledger, Head()).changes if c.other]:
            raise DecisionNeeded(
                str(others[0]),
                where=f"topic id {others[0].id or 'none'}, the job began on {others[0].was}",
                remedy=f"headrace publish {self.contract.id} names what is not published, and the ways out",
            )

    def _counted(
        self, reached: Offsets, read: Mapping[str, Sequence[ReadFile]], *, on_word: bool
    ) -> tuple[Offsets, TopicNotes]:
        """Up to where an ingest job's batch reaches, and which offsets have no row: none may be missing."""
        begun = self._begun()
        goes_on = continue_frontier(
            self.ledger.job, reached, begun, (f.positions for fs in read.values() for f in fs)
        )
        frontier = begun | goes_on.frontier
        if on_word:  # there is nobody to ask
            return frontier, TopicNotes(unasked=goes_on.holes)
        lost = self._refuse_unproven(self._topic(), list(goes_on.holes))
        holes = tuple(s for s in goes_on.holes if s not in lost)
        return frontier, TopicNotes(holes=holes, lost=tuple(lost))

    def _start(self) -> TopicStart:
        """The record of an ingest job's beginning on its topic."""
        start = self.ledger.start()
        if start is None:
            raise LedgerError("the job has manifests and no start record", where=self.ledger.folder)
        return start

    def _begun(self) -> dict[int, int]:
        """Where an ingest job began on its topic."""
        return self._start().offsets

    def _topic(self) -> str:
        """An ingest job's topic, as Kafka names it."""
        return self._start().topic

    def _refuse_unproven(self, topic: str, holes: list[Span]) -> list[Span]:
        """Accept a hole only if Kafka made it; a loss only if a person accepted it. Returns the losses."""
        if not holes:
            return []
        verdicts, job = self.source.holes(topic, holes), self.contract.id
        missed = [s for s in holes if verdicts[s] == "present"]
        if missed:
            raise ConservationError(
                f"records of the topic are in no file: {tails.named(missed)}",
                where=f"topic {topic}",
                remedy=f"nothing was published. The job skipped them; to read them again from the frontier:"
                f" `headrace stop {job}`, `headrace branch restart {job} --why TEXT`, `headrace run {job}`",
                missing=[str(s) for s in missed],
            )
        lost = [s for s in holes if verdicts[s] == "lost"]
        rulings = StandingDecisions.of(self.ledger.decisions())
        accepted = [span for ruling in rulings.losses for span in ruling.spans]
        if unaccepted := [s for s in lost if not any(a.covers(s) for a in accepted)]:
            raise tails.deleted(job, topic, unaccepted)
        return lost

    # the commits

    def finish_open_batch(self) -> int:
        """Bring a recorded batch into the tables; 1 if there was one, else 0.

        Raises:
            LedgerError: it does not follow the head, or was decided for other tables.
        """
        before = self.ledger.newest(DONE)
        number = before + 1
        found = self.ledger.find(BATCHES, number)
        if found is None:
            return 0
        batch = found.record
        head = self.ledger.head_at(before)  # not the newest: another publisher may finish the batch meanwhile
        if batch.outputs.keys() != self.staged.keys():
            raise LedgerError(
                f"batch {number} was decided for other tables than this program writes:"
                f" {', '.join(sorted(batch.outputs.keys() ^ self.staged.keys()))}",
                where=f"{self.ledger.folder}/batches",
                remedy="start the publisher again, with the job as it was when the batch was decided",
            )
        if batch.after != head.digest:
            raise LedgerError(
                f"batch {number} does not follow batch {before}", where=f"{self.ledger.folder}/batches"
            )
        versions = self._commit(batch, head)
        if decided := effects.decision(batch, self.ledger):
            self.step("take over")
            self.ledger.decide(decided)
        self.step("done")
        self.ledger.put(DONE, number, self._done(found, head, versions))
        self.step("fold")
        self._fold(batch)
        why = {"empty": batch.empty} if isinstance(batch, PublishBatch) and batch.empty else {}
        log.info("published", job=self.contract.id, batch=number, versions=versions, **why)
        return 1

    def _commit(self, batch: Batch, head: Head) -> dict[str, int]:
        if isinstance(batch, PublishBatch) and not batch.has_rows:
            return head.versions
        versions, patched = {}, effects.patched(self.warehouse, batch)
        for output in self.outputs:
            self.step(f"commit {output.id}")
            for column in _needed(batch, output):
                add_column(self.warehouse, output, column)
            to = effects.Target(self.warehouse, output, self._transaction(output.id, batch), patched)
            versions[output.id] = effects.commit(batch, to)
        return versions

    def _transaction(self, output: str, batch: Batch) -> Transaction:
        return Transaction(f"{self.contract.id}/{output}", batch.number)

    def _done(self, stored: Stored[Batch], head: Head, versions: dict[str, int]) -> Done:
        batch, outs = stored.record, stored.record.outputs
        place = effects.place(batch, head)
        newest = {o: out.manifests[-1].id for o, out in outs.items() if out.manifests}
        return Done(
            number=batch.number,
            kind=batch.kind,
            of=stored.digest,
            claim=batch.claim,
            checkpoints=batch.checkpoints,
            heads={o: m for o in outs if (m := newest.get(o) or place.manifests.get(o))},
            manifests={o: tuple(m.id for m in out.manifests) for o, out in outs.items()},
            frontier=batch.frontier,
            versions=versions,
            rows={o: row_count(self.warehouse, o, versions[o]) if o in versions else 0 for o in outs},
            written={o: head.written.get(o, 0) + sum(f.rows for f in out.files) for o, out in outs.items()},
            keys={o.id: o.key for o in self.outputs},
            since=place.since,
            epochs=place.epochs,
            tails=place.tails,
            fork=place.fork,
        )

    def _fold(self, batch: Batch) -> None:
        for output in self.outputs:
            ids = {m.id for m in batch.outputs[output.id].manifests}
            known = self.staged[output.id].read()
            self.staged[output.id].fold(known[i] for i in sorted(ids) if i in known)


def _needed(batch: Batch, output: Output) -> list[TableColumn]:
    """The columns that a table must have for a batch, of those that it has only once they are needed."""
    held = {name for f in batch.outputs[output.id].files for name in f.holds}
    return [column for name, column in WHEN_NEEDED.items() if name in held]


def _has_rows(found: Stretch) -> bool:
    return any(m.files for each in found.manifests.values() for m in each)


def _recorded(manifests: Sequence[Manifest], read: Sequence[ReadFile]) -> tuple[RecordedFile, ...]:
    """Files as a batch records them, each with the manifest that names it."""
    named = {f.path: m.id for m in manifests for f in m.files}
    return tuple(r.recorded(named[r.file.path]) for r in read)
