"""Publish a replay: its branch replaces everything after its fork point; or roll it back.

Each is decided by a batch record like any other, and finished by any publisher, in the steps of
:mod:`headrace.publish.finish`. Whatever would make a batch impossible to finish is checked before it is
decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headrace.delta.commit import DeltaFile, active_paths, delta_files
from headrace.delta.rewrite import restore_files
from headrace.errors import DecisionNeeded, LedgerError
from headrace.files import Baseline, Files
from headrace.ledger import fork as forks
from headrace.ledger import replays
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.manifest_range import replay_range
from headrace.ledger.records import (
    BATCHES,
    CLAIMS,
    DONE,
    AbortReplay,
    BatchOutput,
    FoldedManifest,
    ForkPoint,
    RollbackBatch,
    SwapBatch,
    TopicNotes,
)
from headrace.offsets import Offsets
from headrace.publish.batch_checks import BatchChecks
from headrace.publish.finish import Finisher
from headrace.publish.publisher import Published
from headrace.publish.replay_checks import ReplayChecks
from headrace.publish.staged_files import ReadFile
from headrace.publish.tables import JobTables
from headrace.publish.topics import head_at_fork
from headrace.read.tables import open_table


@dataclass(frozen=True)
class NothingSealed:
    """The fork has not completed a checkpoint: there is nothing to replace the branch with."""


@dataclass(frozen=True)
class Behind:
    """The fork has not caught up with the branch."""

    reached: Offsets
    """How far it has come."""


class Replacer:
    """Publishes a job's replays, and rolls them back."""

    def __init__(self, tables: JobTables) -> None:
        self.tables, self._ledger = tables, tables.ledger
        self._checks, self._finisher = BatchChecks(tables, remember=True), Finisher(tables)
        self._replay_checks = ReplayChecks(tables)

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
        """Decide the batch, unless another publisher is first; or return why it cannot be published yet."""
        reached = self._replay_checks.require_frontier_at(fork)
        staged = {o: s.read() for o, s in self.tables.staged.items()}
        claim, sealed = replay_range(self._ledger, fork, staged, replay)
        if claim is None or sealed is None:
            return NothingSealed()
        if (behind := self._replay_checks.reached_if_behind(staged, replay)) is not None:
            return Behind(behind)
        before = head_at_fork(head, reached)
        topics = self._checks.query_topics(before)
        read = self._checks.read(sealed)
        self._replay_checks.refuse_other_topic(replay, claim, sealed, read, topics)
        if self.tables.contract.has_topic:
            self._replay_checks.refuse_missing(head, fork, reached, read)
        frontier, notes = self._checks.continue_from(before, read, topics)
        if any(frontier.get(p, 0) < o for p, o in head.frontier.items()):
            return Behind(frontier)
        removed, baseline = forks.files_after(self._ledger, fork), forks.baseline(self._ledger, fork)
        self._replay_checks.refuse_unfinishable(reached, removed, baseline, _delta_files(read))
        batch = SwapBatch(
            claim=claim.number,
            contract_version=claim.contract_version,
            checkpoints=sealed.checkpoints,
            frontier=frontier,
            outputs=self._checks.outputs(sealed, read),
            fork=fork,
            fork_frontier=reached,
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
                remedy=f"headrace replay rollback {self._ledger.job} {replay} --why TEXT reverses it",
            )

    def roll_back(self, replay: int, why: str) -> Published:
        """Return the tables to what they were before a replay: its files are removed, and the old ones added.

        Safe to repeat. What was read since is still in Kafka: the job continues from its old branch.

        Raises:
            UsageError: the replay is not the last one that became the branch.
        """
        restored: Files | None = None
        while True:
            finished = self._finisher.finish_open_batch()
            head = self._ledger.head()
            if replay in StandingDecisions.of(self._ledger.decisions()).rolled_back:
                return Published(head, finished, {})
            number = self._replay_checks.require_last(replay)
            swap = self._required_swap(number)
            if restored is None:
                restored = self._write_former_files(swap)
            self._record_rollback(head, swap, restored, why)

    def _required_swap(self, number: int) -> SwapBatch:
        swap = self._ledger.required(BATCHES, number)
        if not isinstance(swap, SwapBatch):
            raise LedgerError(f"batch {number} is not a swap", where=f"{self._ledger.folder}/batches")
        return swap

    def _record_rollback(self, head: Head, swap: SwapBatch, restored: Files, why: str) -> None:
        """Decide the batch that reverses a swap, unless another publisher is first.

        Its manifests and their files are those of the branch, as if nothing had been swapped. What it adds is
        what the tables held: a patch or another program may have rewritten some of those files.
        """
        former = swap.number - 1
        before = self._ledger.required(DONE, former)
        manifests = forks.manifests_after(self._ledger, swap.fork, former)
        baseline = Baseline(versions={o: v for o, v in before.versions.items() if o in self.tables.staged})
        old, reached = swap.removed, self._replay_checks.require_frontier_at(swap.fork)
        removed = forks.files_after(self._ledger, swap.fork)
        files = {o: delta_files(restored.get(o, old.get(o, ()))) for o in self.tables.staged}
        self._replay_checks.refuse_unfinishable(reached, removed, baseline, files, back=True)
        on_branch = forks.at_batch(self._ledger, former).batch
        batch = RollbackBatch(
            claim=before.claim,
            contract_version=self._ledger.required(BATCHES, on_branch or former).contract_version,
            checkpoints=_checkpoints(manifests, swap.fork),
            frontier=before.frontier,
            outputs={
                o: BatchOutput(manifests=manifests.get(o, ()), files=old.get(o, ()))
                for o in self.tables.staged
            },
            fork=swap.fork,
            fork_frontier=reached,
            removed=removed,
            baseline=baseline,
            newest_claim=self._ledger.newest(CLAIMS),
            notes=TopicNotes(epochs=before.epochs, tails=before.tails),
            replay=swap.replay,
            restored=restored,
            why=why,
        )
        self._finisher.record_batch(head, batch)

    def _write_former_files(self, swap: SwapBatch) -> Files:
        """Write, per output, files with the rows after the fork point as they were before a swap.

        A derive job's rows have no positions: its tables are made again from whole files.
        """
        if not self.tables.contract.has_topic:
            return {}
        versions = self._ledger.required(DONE, swap.number).versions
        reached = self._replay_checks.require_frontier_at(swap.fork)
        files: Files = {}
        for output in self.tables.outputs:
            before = versions[output.id] - 1
            table = open_table(self.tables.warehouse, output.id, before)
            there = active_paths(table) if table else set()
            stay = [f for f in swap.removed.get(output.id, ()) if f.path in there]
            known = [f.path for f in stay]
            others = restore_files(self.tables.warehouse, output, before, reached, known=known)
            read = self._checks.read_files(output, others)
            files[output.id] = (*stay, *(f.recorded() for f in read))
        return files


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
