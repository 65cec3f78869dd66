"""Publish a replay: its branch replaces everything after its fork point; or roll it back.

Each is decided by a batch record like any other, and finished by any publisher, in the steps of
:mod:`headrace.publish.publisher`. Whatever would make a batch impossible to finish is checked before it is
decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deltalake.exceptions import DeltaError

from headrace.delta.amend import amended
from headrace.delta.commit import DeltaFile, active_paths, delta_files
from headrace.delta.rewrite import restore_files
from headrace.delta.swap import require_restorable
from headrace.errors import ConservationError, DecisionNeeded, LedgerError, UsageError
from headrace.files import Baseline, Files
from headrace.ledger import fork as forks
from headrace.ledger import replays
from headrace.ledger.branch import ByOutput, ManifestRange, replay_range
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.records import (
    BATCHES,
    CLAIMS,
    DONE,
    AbortReplay,
    BatchOutput,
    Claim,
    FoldedManifest,
    ForkPoint,
    RollbackBatch,
    SwapBatch,
    TopicNotes,
)
from headrace.offsets import Offsets, Span
from headrace.publish.checks import Checks
from headrace.publish.finish import Finisher
from headrace.publish.frontier import continue_frontier, frontier_at
from headrace.publish.progress import JobProgress, branch_progress, fork_progress
from headrace.publish.publisher import Published
from headrace.publish.staged_files import ReadFile
from headrace.publish.tables import JobTables
from headrace.publish.tail import StagedTail
from headrace.publish.topics import TopicReport, head_at_fork
from headrace.read.tables import open_table


@dataclass(frozen=True)
class NothingSealed:
    """The fork has not completed a checkpoint: there is nothing to put in the branch's place."""


@dataclass(frozen=True)
class Behind:
    """The fork has not caught up with the branch."""

    reached: Offsets
    """How far it has come."""


class Replacer:
    """Publishes a job's replays, and rolls them back."""

    def __init__(self, tables: JobTables) -> None:
        self.tables, self._ledger = tables, tables.ledger
        self._checks, self._finisher = Checks(tables, remember=True), Finisher(tables)

    def replace(self, replay: int, fork: ForkPoint) -> Published | Behind | NothingSealed:
        """Make a replay's fork the branch.

        Safe to repeat, and beside other publishers: where another one wins the batch number, it looks again.

        Raises:
            ConservationError: the fork does not hold every offset after the fork point exactly once.
            DecisionNeeded: how far the branch had come is not known.
            UsageError: the replay was aborted or rolled back; or its fork point is no longer on the branch.
        """
        self._ledger.remember_all()
        while True:
            finished = self._finisher.finish_open_batch()
            head = self._ledger.head()
            if replays.state(self._ledger, replay) == "published":
                return Published(head, finished, {})
            replays.require_open(self._ledger, replay, or_published=True)
            forks.require_on_branch(self._ledger, fork)
            if unready := self._record_swap(head, replay, fork):
                return unready

    def _record_swap(self, head: Head, replay: int, fork: ForkPoint) -> Behind | NothingSealed | None:
        """Decide the batch, unless another publisher is first; or return why the fork cannot come in yet."""
        reached = self._frontier_at(fork)
        staged = {o: s.read() for o, s in self.tables.staged.items()}
        claim, sealed = replay_range(self._ledger, fork, staged, replay)
        if claim is None or sealed is None:
            return NothingSealed()
        if behind := self._behind(staged, replay):
            return behind
        before = head_at_fork(head, reached)
        asked = self._checks.query_topics(before)
        read = self._checks.read(sealed)
        self._refuse_other(replay, claim, sealed, read, asked)
        if self.tables.contract.kind == "ingest":
            self._refuse_missing(head, fork, reached, read)
        frontier, notes = self._checks.frontier(before, read, asked)
        if any(frontier.get(p, 0) < o for p, o in head.frontier.items()):
            return Behind(frontier)
        removed, baseline = forks.files_after(self._ledger, fork), forks.baseline(self._ledger, fork)
        self._require_possible(reached, removed, baseline, _delta_files(read))
        batch = SwapBatch(
            claim=claim.number,
            contract_version=claim.contract_version,
            checkpoints=sealed.checkpoints,
            frontier=frontier,
            outputs=self._checks.outputs(sealed, read),
            fork=fork,
            reached=reached,
            removed=removed,
            baseline=baseline,
            newest_claim=self._ledger.newest(CLAIMS),
            notes=notes,
            replay=replay,
        )

        def last_check() -> None:
            # It may have been aborted meanwhile.
            replays.require_open(self._ledger, replay, or_published=True)

        self._finisher.record_batch(head, batch, last_check=last_check)
        return None

    def _behind(self, staged: ByOutput, replay: int) -> Behind | None:
        """How far a derive job's fork has come, where that is not as far as the branch."""
        if self.tables.contract.kind == "ingest":
            return None
        progress = fork_progress(self.tables.warehouse, self._ledger, staged, replay)
        if progress.covers(self._branch_progress()):
            return None
        return Behind(next(iter(progress.positions.values()), {}))

    def _refuse_other(
        self,
        replay: int,
        claim: Claim,
        found: ManifestRange,
        read: Mapping[str, Sequence[ReadFile]],
        asked: TopicReport,
    ) -> None:
        """Refuse a fork that may have read another topic than the branch."""
        others = [c for c in asked.changes if c.other]
        if others:
            raise DecisionNeeded(
                f"{'; '.join(map(str, others))}. The replay may have read records of it:"
                f" {StagedTail.of(claim.number, found, read, {})}",
                where="; ".join(f"topic id {c.id or 'none'}, the job began on {c.was}" for c in others),
                remedy=f"headrace replay abort {self._ledger.job} {replay} --why TEXT leaves it",
            )

    def _branch_progress(self) -> JobProgress:
        """How far the branch of a derive job has come, in the tables that it writes now."""
        progress = branch_progress(self.tables.warehouse, self._ledger, "derive")
        if not progress.positions:
            raise DecisionNeeded(
                "no checkpoint of the published branch is kept any more: how far it had come is not known",
                where=f"job {self._ledger.job}",
                remedy="restore a checkpoint or savepoint of it into the warehouse, then publish again",
            )
        return JobProgress(
            progress.positions, {o: at for o, at in progress.watermarks.items() if o in self.tables.staged}
        )

    def _refuse_missing(
        self, head: Head, fork: ForkPoint, reached: Offsets, read: Mapping[str, Sequence[ReadFile]]
    ) -> None:
        """Refuse a fork that lacks records that the branch has published: Kafka no longer had them."""
        holes = self._unexplained_holes(head, fork, reached, read)
        verdicts = self.tables.source.holes(self.tables.start.topic, holes) if holes else {}
        if missing := [h for h in holes if verdicts[h] != "absent"]:
            raise ConservationError(
                f"the fork lacks records that are published: {', '.join(map(str, missing[:10]))}",
                where=f"job {self._ledger.job}, after batch {fork.batch}",
                remedy=f"nothing was changed. Kafka deleted them, or the fork skipped them:"
                f" `headrace replay ls {self._ledger.job}`, abort it, and plan one that begins later",
                missing=[str(h) for h in missing],
            )

    def _unexplained_holes(
        self, head: Head, fork: ForkPoint, reached: Offsets, read: Mapping[str, Sequence[ReadFile]]
    ) -> list[Span]:
        """Holes of the fork below the head's frontier that the branch does not have."""
        positions = (f.positions for files in read.values() for f in files)
        holes = continue_frontier(self._ledger.job, reached, self.tables.start.offsets, positions).holes
        known = forks.holes_after(self._ledger, fork)
        below = [h for h in holes if h.first < head.frontier.get(h.partition, 0)]
        return [h for h in below if not any(k.covers(h) for k in known)]

    def abort(self, replay: int, why: str) -> None:
        """Decide that a replay is never published; a batch that is decided already is finished, and remains.

        Raises:
            UsageError: it is published, rolled back or aborted.
            DecisionNeeded: it was published at the same moment.
        """
        self._finisher.finish_open_batch()
        replays.require_open(self._ledger, replay)
        self._ledger.record_decision(AbortReplay(why=why, replay=replay))
        self._finisher.finish_open_batch()
        if replays.batch_of(self._ledger, replay):
            raise DecisionNeeded(
                f"replay {replay} was published at the same moment",
                where=f"job {self._ledger.job}",
                remedy=f"headrace replay rollback {self._ledger.job} {replay} --why TEXT undoes it",
            )

    def roll_back(self, replay: int, why: str) -> Published:
        """Return the tables to what they were before a replay: its files go out, and the old ones come in.

        Safe to repeat. What was read since is still in Kafka: the job goes on from its old branch.

        Raises:
            UsageError: the replay is not the last one that became the branch.
        """
        while True:
            finished = self._finisher.finish_open_batch()
            head = self._ledger.head()
            if replay in StandingDecisions.of(self._ledger.decisions()).rolled_back:
                return Published(head, finished, {})
            number = replays.batch_of(self._ledger, replay)
            if not number:
                raise UsageError(
                    f"replay {replay} is {replays.state(self._ledger, replay)}: it has changed no table",
                    where=f"job {self._ledger.job}",
                    remedy=f"headrace replay show {self._ledger.job} {replay}",
                )
            if number != (last := forks.last_published_replay(self._ledger)):
                later = replays.published_by(self._ledger, last)
                raise UsageError(
                    f"replay {replay} is not the last published one: that is replay {later}",
                    where=f"job {self._ledger.job}",
                    remedy=f"headrace replay rollback {self._ledger.job} {later} --why TEXT first",
                )
            self._record_rollback(head, number, replay, why)

    def _record_rollback(self, head: Head, number: int, replay: int, why: str) -> None:
        """Decide the batch that reverses what batch ``number`` swapped in.

        Its manifests and their files are those of the branch, as if nothing had been swapped. What it adds is
        what the tables held: a patch or another program may have rewritten some of those files.
        """
        swap, before = self._ledger.required(BATCHES, number), self._ledger.required(DONE, number - 1)
        if not isinstance(swap, SwapBatch):
            raise LedgerError(f"batch {number} is not a swap", where=f"{self._ledger.folder}/batches")
        manifests = forks.manifests_after(self._ledger, swap.fork, number - 1)
        baseline = Baseline(versions={o: v for o, v in before.versions.items() if o in self.tables.staged})
        old, reached = swap.removed, self._frontier_at(swap.fork)
        restored = {} if self.tables.contract.kind == "derive" else self._restore_files(number, old, reached)
        removed = forks.files_after(self._ledger, swap.fork)
        files = {o: delta_files(restored.get(o, old.get(o, ()))) for o in self.tables.staged}
        self._require_possible(reached, removed, baseline, files, back=True)
        on_branch = forks.at_batch(self._ledger, number - 1).batch
        batch = RollbackBatch(
            claim=before.claim,
            contract_version=self._ledger.required(BATCHES, on_branch or number - 1).contract_version,
            checkpoints=_checkpoints(manifests, swap.fork),
            frontier=before.frontier,
            outputs={
                o: BatchOutput(manifests=manifests.get(o, ()), files=old.get(o, ()))
                for o in self.tables.staged
            },
            fork=swap.fork,
            reached=reached,
            removed=removed,
            baseline=baseline,
            newest_claim=self._ledger.newest(CLAIMS),
            notes=TopicNotes(epochs=before.epochs, tails=before.tails),
            replay=replay,
            restored=restored,
            why=why,
        )
        self._finisher.record_batch(head, batch)

    def _restore_files(self, number: int, gone: Files, reached: Offsets) -> Files:
        """Per output, files with the rows after the fork point as they were before batch ``number``."""
        versions = self._ledger.required(DONE, number).versions
        found: Files = {}
        for output in self.tables.outputs:
            before = versions[output.id] - 1
            table = open_table(self.tables.warehouse, output.id, before)
            there = active_paths(table) if table else set()
            stay = [f for f in gone.get(output.id, ()) if f.path in there]
            known = [f.path for f in stay]
            others = restore_files(self.tables.warehouse, output, before, reached, known=known)
            read = self._checks.read_files(output, others)
            found[output.id] = (*stay, *(f.recorded() for f in read))
        return found

    # what must be true to finish a batch that begins at a fork point

    def _require_possible(
        self,
        reached: Offsets,
        removed: Files,
        baseline: Baseline,
        files: Mapping[str, list[DeltaFile]],
        *,
        back: bool = False,
    ) -> None:
        """Refuse, before it is decided, what could not be finished."""
        for output in self.tables.outputs:
            came = [*delta_files(baseline.files.get(output.id, ())), *files[output.id]]
            if output.mode == "append":
                gone = delta_files(removed.get(output.id, ()))
                require_restorable(self.tables.warehouse, output, gone, reached or None, baseline, back=back)
                continue
            version = baseline.versions.get(output.id)
            try:
                amended(self.tables.warehouse, output, version, came)
            except (OSError, DeltaError) as e:
                raise UsageError(
                    f"version {version} of table {output.id} cannot be read any more: {str(e)[:200]}",
                    where=self.tables.warehouse.table_uri(output.id),
                    remedy="nothing was changed. Its files were removed (a vacuum?): choose a later anchor",
                ) from e

    def _frontier_at(self, fork: ForkPoint) -> Offsets:
        """The frontier of an ingest job at a fork point; a derive job's rows have no position in a topic."""
        if self.tables.contract.kind == "derive":
            return {}
        return frontier_at(self.tables.warehouse, self._ledger, self.tables.outputs, fork)


def _delta_files(read: Mapping[str, Sequence[ReadFile]]) -> dict[str, list[DeltaFile]]:
    """Staged files as Delta will know them, by output."""
    return {
        output: [DeltaFile(f.file.path, f.file.size, f.file.partition, f.statistics) for f in files]
        for output, files in read.items()
    }


def _checkpoints(manifests: Mapping[str, Sequence[FoldedManifest]], fork: ForkPoint) -> tuple[int, int]:
    """First and last checkpoint of these manifests; where there are none, that of the fork point."""
    numbers = [m.checkpoint for of_output in manifests.values() for m in of_output] or [fork.checkpoint]
    return min(numbers), max(numbers)
