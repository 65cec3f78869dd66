"""What must be true before a replay's fork becomes the branch, or that is rolled back. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deltalake.exceptions import DeltaError

from headrace.delta.amend import amended_rows
from headrace.delta.commit import DeltaFile, delta_files
from headrace.delta.swap import require_restorable
from headrace.errors import ConservationError, DecisionNeeded, UsageError
from headrace.files import Baseline, Files
from headrace.ledger import fork as forks
from headrace.ledger import replays
from headrace.ledger.branch import ByOutput
from headrace.ledger.head import Head
from headrace.ledger.manifest_range import ManifestRange
from headrace.ledger.records import Claim, ForkPoint
from headrace.offsets import Offsets, Span
from headrace.publish.frontier import continue_frontier, frontier_at
from headrace.publish.progress import JobProgress, branch_progress, fork_progress
from headrace.publish.staged_files import ReadFile
from headrace.publish.tables import JobTables
from headrace.publish.tail import StagedTail
from headrace.publish.topics import TopicReport
from headrace.table.outputs import Output


class ReplayChecks:
    """The checks of one job's replays."""

    def __init__(self, tables: JobTables) -> None:
        self._tables, self._ledger = tables, tables.ledger

    def reached_if_behind(self, staged: ByOutput, replay: int) -> Offsets | None:
        """How far a derive job's fork has come, where that is not as far as the branch."""
        if self._tables.contract.has_topic:
            return None
        progress = fork_progress(self._tables.warehouse, self._ledger, staged, replay)
        if progress.covers(self._branch_progress()):
            return None
        return next(iter(progress.positions.values()), {})

    def _branch_progress(self) -> JobProgress:
        """How far the branch of a derive job has come, in the tables that it writes now."""
        progress = branch_progress(self._tables.warehouse, self._ledger, has_positions=False)
        if not progress.positions:
            raise DecisionNeeded(
                "no checkpoint of the published branch is kept any more: how far it had come is not known",
                where=f"job {self._ledger.job}",
                remedy="restore a checkpoint or savepoint of it into the warehouse, then publish again",
            )
        return JobProgress(
            progress.positions, {o: at for o, at in progress.watermarks.items() if o in self._tables.staged}
        )

    def refuse_other_topic(
        self,
        replay: int,
        claim: Claim,
        sealed: ManifestRange,
        read: Mapping[str, Sequence[ReadFile]],
        topics: TopicReport,
    ) -> None:
        """Refuse a fork that may have read another topic than the branch."""
        others = [c for c in topics.changes if c.other]
        if others:
            raise DecisionNeeded(
                f"{'; '.join(map(str, others))}. The replay may have read records of it:"
                f" {StagedTail.of(claim.number, sealed, read, {})}",
                where="; ".join(f"topic id {c.id or 'none'}, the job began on {c.was}" for c in others),
                remedy=f"headrace replay abort {self._ledger.job} {replay} --why TEXT leaves it",
            )

    def refuse_missing(
        self, head: Head, fork: ForkPoint, reached: Offsets, read: Mapping[str, Sequence[ReadFile]]
    ) -> None:
        """Refuse a fork that lacks records that the branch has published: Kafka no longer had them."""
        holes = self._unexplained_holes(head, fork, reached, read)
        verdicts = self._tables.source.holes(self._tables.start.topic, holes) if holes else {}
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
        holes = continue_frontier(self._ledger.job, reached, self._tables.start.offsets, positions).holes
        known = forks.holes_after(self._ledger, fork)
        below = [h for h in holes if h.first < head.frontier.get(h.partition, 0)]
        return [h for h in below if not any(k.covers(h) for k in known)]

    def require_last(self, replay: int) -> int:
        """The batch that published a replay, if no later one published another.

        Raises:
            UsageError: it is not published, or not the last one that became the branch.
        """
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
        return number

    def refuse_unfinishable(
        self,
        reached: Offsets,
        removed: Files,
        baseline: Baseline,
        files: Mapping[str, list[DeltaFile]],
        *,
        back: bool = False,
    ) -> None:
        """Refuse, before it is decided, what could not be finished."""

        def refuse_unrestorable(output: Output) -> None:
            gone = delta_files(removed.get(output.id, ()))
            require_restorable(self._tables.warehouse, output, gone, reached or None, baseline, back=back)

        def refuse_unamendable(output: Output) -> None:
            amending = [*delta_files(baseline.files.get(output.id, ())), *files[output.id]]
            self._refuse_unamendable(output, baseline.versions.get(output.id), amending)

        by_mode = {"append": refuse_unrestorable, "amend": refuse_unamendable}
        for output in self._tables.outputs:
            by_mode[output.mode](output)

    def _refuse_unamendable(self, output: Output, version: int | None, files: Sequence[DeltaFile]) -> None:
        """Refuse a table whose version at the fork point can no longer be read and amended."""
        try:
            amended_rows(self._tables.warehouse, output, version, files)
        except (OSError, DeltaError) as e:
            raise UsageError(
                f"version {version} of table {output.id} cannot be read any more: {str(e)[:200]}",
                where=self._tables.warehouse.table_uri(output.id),
                remedy="nothing was changed. Its files were removed (a vacuum?): choose a later anchor",
            ) from e

    def require_frontier_at(self, fork: ForkPoint) -> Offsets:
        """The frontier of an ingest job at a fork point; a derive job's rows have no position in a topic.

        Raises:
            ConservationError: the files that are published there do not hold every offset exactly once.
        """
        if not self._tables.contract.has_topic:
            return {}
        return frontier_at(self._tables.warehouse, self._ledger, self._tables.outputs, fork)
