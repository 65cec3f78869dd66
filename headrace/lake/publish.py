"""Publish: from the head along one chain of manifests into the tables, one batch at a time.

The steps of :meth:`Publisher.once`, in order; a crash between any two is repaired by running again:

1. an unfinished batch is finished first, by whoever finds it;
2. the followed claim's chain is walked from the head, and cut where every output has sealed;
3. Kafka is asked whether the topics are still those that the job began on (:mod:`headrace.lake.source`);
4. every file's footer and offset columns are read; the offsets must continue the frontier (G1);
5. ``batches/n`` is written put-if-absent: from here on the batch is decided;
6. quarantine, then data: one Delta commit each, skipped where it stands already (G2);
7. ``done/n`` is written; the batch is the head;
8. its manifests are folded: the ledger holds them, the folder forgets them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog
from deltalake.transaction import Transaction

from headrace.contract.model import Contract
from headrace.errors import ConservationError, DecisionNeeded, LedgerError, UsageError
from headrace.lake import anchors, patches
from headrace.lake import tail as tails
from headrace.lake.amend import amend_batch, amend_from
from headrace.lake.branch import (
    Rulings,
    Stretch,
    followed,
    stretch,
    unpublished,
)
from headrace.lake.delta import Added, add_column, commit_batch, refuse_other_columns
from headrace.lake.fit import refuse_other_key
from headrace.lake.fork import Base
from headrace.lake.ledger import Head, Ledger, Record, digest, now
from headrace.lake.manifests import Staged
from headrace.lake.offsets import ReadFile, continue_frontier, read_files
from headrace.lake.patched import patch_batch
from headrace.lake.rewritten import records_of
from headrace.lake.source import Asked, Source, ask, beyond, noted
from headrace.lake.store import Warehouse
from headrace.lake.swap import swap_batch
from headrace.lake.tables import row_count
from headrace.ledger.records import Claim, Manifest, PutIn, ReplaceBranch, RollBack, StagedFile, TopicStart
from headrace.offsets import Span
from headrace.table.columns import REPAIRED_BY, WHEN_NEEDED, TableColumn
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
        claim = followed(self.ledger.claims(), Rulings.of(self.ledger.decisions()))
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
        own = self._frontier(head, read, asked, on_word=on_word)
        self._write_batch(head, claim, found, read, {**own, "empty": empty} if empty else own)
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
        claim = followed(self.ledger.claims(), Rulings.of(self.ledger.decisions()))
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
        job, rulings = self.contract.id, Rulings.of(self.ledger.decisions())
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
        number = self.ledger.newest("done")
        done = self.ledger.required("done", number) if number else None
        return None if done and done["claim"] == claim.number else claim.number

    # the batch

    def _read(self, found: Stretch) -> dict[str, list[ReadFile]]:
        """Every file of the manifests, in their order."""
        self.step("read")
        head = self.ledger.head()
        for output in self.outputs:
            refuse_other_columns(self.warehouse, output.id, output.columns)
            refuse_other_key(self.warehouse, head, output)
        files = {o.id: [f for m in found.manifests[o.id] for f in m.files] for o in self.outputs}
        with tails.other_columns(self.ledger.job, found, derived=self.contract.derived):
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

    def _write_batch(
        self,
        head: Head,
        claim: Claim,
        found: Stretch,
        read: dict[str, list[ReadFile]],
        own: Record,
    ) -> None:
        """Decide the batch, after every check.

        Args:
            head: the batch before it.
            claim: whose manifests they are.
            found: the manifests.
            read: their files, by output.
            own: what it says of offsets, and that of a replay besides.
        """
        batch = {
            "batch": head.batch + 1,
            "after": head.digest,
            "claim": claim.number,
            "contract_version": claim.contract_version,
            "checkpoints": list(found.checkpoints),
            "outputs": {
                o.id: {
                    "manifests": [_without_files(m) for m in found.manifests[o.id]],
                    "files": _files(found.manifests[o.id], read[o.id]),
                }
                for o in self.outputs
            },
            **own,
            "at": now(),
        }
        self.step("batch")
        if not self.ledger.put("batches", head.batch + 1, batch):
            log.info("another publisher wrote this batch", job=self.contract.id, batch=head.batch + 1)

    def _frontier(
        self, behind: Head, read: dict[str, list[ReadFile]], asked: Asked, *, on_word: bool = False
    ) -> Record:
        """How a batch that goes on from ``behind`` continues its frontier, after every check."""
        if self.contract.derived:
            return {"frontier": {}}
        counted = self._counted(behind.frontier, read, on_word=on_word)
        if counted["holes"] or counted["lost"]:
            self._require_same()
        return {**counted, **noted(behind, asked, self.contract.id, counted["frontier"])}

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

    def _counted(self, reached: dict[int, int], read: dict[str, list[ReadFile]], *, on_word: bool) -> Record:
        """What an ingest job's batch says of offsets: each row of it is one record, and none may be missing.

        A derive job's rows have no place in a topic: what they are made of is fixed by Flink's checkpoint,
        and the chain of manifests is all that keeps them apart from those of a rewound job.
        """
        begun = self._begun()
        goes_on = continue_frontier(
            self.ledger.job, reached, begun, (f.positions for fs in read.values() for f in fs)
        )
        frontier = {str(p): o for p, o in sorted((begun | goes_on.frontier).items())}
        if on_word:  # there is nobody to ask
            unasked = [str(s) for s in goes_on.holes]
            return {"frontier": frontier, "holes": [], "lost": [], "unasked": unasked}
        lost = self._refuse_unproven(self._topic(), list(goes_on.holes))
        return {
            "frontier": frontier,
            "holes": [str(s) for s in goes_on.holes if s not in lost],
            "lost": [str(s) for s in lost],
        }

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
        rulings = Rulings.of(self.ledger.decisions())
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
        before = self.ledger.newest("done")
        number = before + 1
        batch = self.ledger.get("batches", number)
        if batch is None:
            return 0
        head = self.ledger.head_at(before)  # not the newest: another publisher may finish the batch meanwhile
        if batch["outputs"].keys() != self.staged.keys():
            raise LedgerError(
                f"batch {number} was decided for other tables than this program writes:"
                f" {', '.join(sorted(batch['outputs'].keys() ^ self.staged.keys()))}",
                where=f"{self.ledger.folder}/batches",
                remedy="start the publisher again, with the job as it was when the batch was decided",
            )
        if batch["after"] != head.digest:
            raise LedgerError(
                f"batch {number} does not follow batch {before}", where=f"{self.ledger.folder}/batches"
            )
        versions = self._commit(batch, head)
        self._take_over(batch)
        self.step("done")
        self.ledger.put("done", number, self._done(batch, head, versions))
        self.step("fold")
        self._fold(batch)
        why = {"empty": batch["empty"]} if "empty" in batch else {}
        log.info("published", job=self.contract.id, batch=number, versions=versions, **why)
        return 1

    def _commit(self, batch: Record, head: Head) -> dict[str, int]:
        moves = "fork" in batch or "patch" in batch
        if not (moves or any(out["files"] for out in batch["outputs"].values())):
            return head.versions
        versions = {}
        patched = records_of(self.warehouse, batch) if "patch" in batch else None
        for output in self.outputs:
            self.step(f"commit {output.id}")
            for column in _needed(batch, output):
                add_column(self.warehouse, output, column)
            told = batch.get("restored", {}).get(output.id, batch["outputs"][output.id]["files"])
            files, place = added(told), self._transaction(output.id, batch)
            if patched is not None:
                versions[output.id] = patch_batch(self.warehouse, output, place, files, patched)
            elif "fork" in batch and output.key:
                base = Base.of(batch["base"])
                kept = added(base.files.get(output.id, []))
                versions[output.id] = amend_from(
                    self.warehouse, output, place, base.versions.get(output.id), [*kept, *files]
                )
            elif "fork" in batch:
                removed = added(batch["removed"].get(output.id, []))
                reached = {int(p): o for p, o in batch["reached"].items()} if batch["reached"] else None
                base = Base.of(batch["base"])
                versions[output.id] = swap_batch(
                    self.warehouse, output, place, files, removed, reached, base, back="undoes" in batch
                )
            else:
                commit = amend_batch if output.key else commit_batch
                versions[output.id] = commit(self.warehouse, output, place, files)
        return versions

    def _take_over(self, batch: Record) -> None:
        """A replay's batch decides which claim publish follows, and so does the one that takes it back.

        That of a patch decides nothing but that the patch is in.
        """
        if "patch" in batch:
            if not patches.batch_of(self.ledger.decisions(), batch["patch"]):
                self.step("take over")
                self.ledger.decide(
                    PutIn(
                        why=batch["why"],
                        patch=batch["patch"],
                        batch=batch["batch"],
                        undoes_patch=batch["undoes"],
                    )
                )
            return
        replay, undone = batch.get("replay"), batch.get("undoes")
        rulings = Rulings.of(self.ledger.decisions())
        if (replay or undone) is None or replay in rulings.replaced or undone in rulings.back:
            return
        self.step("take over")
        told = {"claim": batch["claim"], "claims_then": batch["claims_then"]}
        self.ledger.decide(
            ReplaceBranch(why=self.ledger.required("replays", replay)["why"], replay=replay, **told)
            if replay
            else RollBack(why=batch["why"], replay=undone or 0, **told)
        )

    def _transaction(self, output: str, batch: Record) -> Transaction:
        return Transaction(f"{self.contract.id}/{output}", batch["batch"])

    def _done(self, batch: Record, head: Head, versions: dict[str, int]) -> Record:
        outs: dict[str, Any] = batch["outputs"]
        stays: dict[str, str] = head.manifests if "patch" in batch else {}
        stays = batch["fork"]["manifests"] if "fork" in batch else stays
        return {
            "batch": batch["batch"],
            "of": digest(batch),
            "claim": batch["claim"],
            "checkpoints": batch["checkpoints"],
            "heads": {o: newest for o, out in outs.items() if (newest := _last(out) or stays.get(o))},
            "manifests": {o: [m["id"] for m in out["manifests"]] for o, out in outs.items()},
            "frontier": batch["frontier"],
            "versions": versions,
            "rows": {o: row_count(self.warehouse, o, versions[o]) if o in versions else 0 for o in outs},
            "written": {o: head.written.get(o, 0) + _rows(out["files"]) for o, out in outs.items()},
            "keys": {o.id: list(o.key) for o in self.outputs},
            "since": batch["batch"] if "fork" in batch else head.since,
            "epochs": batch.get("epochs", head.epochs),
            "tails": batch.get("tails", list(head.tails)),
            **({"fork": batch["fork"]} if "fork" in batch else {}),
            **({"patch": batch["patch"]} if "patch" in batch else {}),
        }

    def _fold(self, batch: Record) -> None:
        for output in self.outputs:
            ids = {m["id"] for m in batch["outputs"][output.id]["manifests"]}
            known = self.staged[output.id].read()
            self.staged[output.id].fold(known[i] for i in sorted(ids) if i in known)


def _needed(batch: Record, output: Output) -> list[TableColumn]:
    """The columns that a table must have for a batch, of those that it has only once they are needed."""
    held = {name for f in batch["outputs"][output.id]["files"] for name in f.get("holds", ())}
    if batch.get("repaired") and not output.id.endswith("__quarantine"):  # as batches said it before
        held.add(REPAIRED_BY.name)
    return [column for name, column in WHEN_NEEDED.items() if name in held]


def _last(output: Record) -> str | None:
    return output["manifests"][-1]["id"] if output["manifests"] else None


def _has_rows(found: Stretch) -> bool:
    return any(m.files for each in found.manifests.values() for m in each)


def _without_files(manifest: Manifest) -> Record:
    return {k: v for k, v in manifest.to_json().items() if k != "files"}


def _files(manifests: Sequence[Manifest], read: Sequence[ReadFile]) -> list[Record]:
    """Files as a batch records them, each with the manifest that names it."""
    named = {f.path: m.id for m in manifests for f in m.files}
    return [{**as_recorded(r), "manifest": named[r.file.path]} for r in read]


def as_recorded(read: ReadFile) -> Record:
    """A file as records keep it."""
    return {
        "path": read.file.path,
        "size": read.file.size,
        "rows": read.rows,
        "partition": read.file.partition,
        "statistics": read.statistics,
        **({"holds": list(read.holds)} if read.holds else {}),
    }


def added(files: Iterable[Record]) -> list[Added]:
    """Files of a batch record as Delta will know them."""
    return [Added(f["path"], f["size"], f["partition"], f["statistics"]) for f in files]


def _rows(files: Iterable[Record]) -> int:
    return sum(f["rows"] for f in files)
