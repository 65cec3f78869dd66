"""Publish: from the head along one chain of manifests into the tables, one batch at a time.

:meth:`Publisher.publish` reads as these steps:

1. an unfinished batch is finished first (:mod:`headrace.publish.finish`);
2. staged manifests that are published already are deleted: a restored job committed them again;
3. the followed claim's chain is walked from the head, up to where every output has sealed;
4. Kafka is asked whether the topics are still those that the job began on (:mod:`headrace.publish.topics`);
5. every file is read, and the offsets must continue the frontier (:mod:`headrace.publish.batch_checks`, G1);
6. the batch is decided, and finished.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace.errors import DecisionNeeded, LedgerError, UsageError
from headrace.ledger import anchors
from headrace.ledger.branch import ByOutput, followed_claim, unpublished_manifests
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.manifest_range import ManifestRange, publishable_range
from headrace.ledger.records import Claim, PublishBatch
from headrace.publish import refusals
from headrace.publish.batch_checks import BatchChecks
from headrace.publish.finish import Finisher
from headrace.publish.staged_files import FilesRead
from headrace.publish.tables import JobTables
from headrace.publish.tail import StagedTail, accepted_range
from headrace.publish.topics import TopicReport, past_end

EMPTY_KEPT = 60
"""Checkpoints without rows that may wait: they change no table, so a batch of them would be of no use."""


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
    """Publishes what a job's followed claim has staged."""

    def __init__(self, tables: JobTables) -> None:
        self.tables = tables
        self._ledger = tables.ledger
        self._checks, self._finisher = BatchChecks(tables), Finisher(tables)

    def publish(self) -> Published:
        """Publish what is ready now. Checkpoints without rows wait, unless a batch of them is needed.

        Raises:
            DecisionNeeded: the followed chain is a fork, a topic is another one, or Kafka lost records.
            ConservationError: an offset would be published twice, or never.
        """
        finished = self._finisher.finish_open_batch()
        head = self._ledger.head()
        claim = followed_claim(self._ledger.claims(), self._decisions())
        if claim is None:
            return Published(head, finished, {})
        try:
            staged = self._staged()
            fresh = self._unpublished(head, staged)
            self._delete_published(staged, fresh)
            ready = self._ready(head, claim, fresh)
        except (DecisionNeeded, LedgerError):
            if self._ledger.head() == head:
                raise
            # Another publisher moved the head meanwhile: this is not a fork. Start again.
            again = self.publish()
            return replace(again, batches=finished + again.batches)
        if ready is None:
            return Published(head, finished, {}, waiting_for=self._awaited_claim(claim))
        empty = "" if _has_rows(ready) else self._reason_for_empty_batch(ready)
        if not (_has_rows(ready) or empty):
            return Published(head, finished, {})
        self._record_batch(head, claim, ready, empty)
        finished += self._finisher.finish_open_batch()
        after = self._ledger.head()
        written = {o: n - head.written.get(o, 0) for o, n in after.written.items()}
        return Published(after, finished, written, empty=empty)

    def staged_tail(self) -> tuple[ManifestRange, StagedTail]:
        """What is staged after the head.

        Raises:
            UsageError: there is nothing.
        """
        head = self._ledger.head()
        claim = followed_claim(self._ledger.claims(), self._decisions())
        staged = self._ready(head, claim, self._unpublished(head, self._staged())) if claim else None
        if claim is None or staged is None:
            raise UsageError(
                f"nothing of job {self.tables.job} is staged and not published",
                remedy=f"headrace status {self.tables.job}",
            )
        return staged, StagedTail.of(claim.number, staged, self._checks.read(staged), head.frontier)

    def _decisions(self) -> StandingDecisions:
        return StandingDecisions.of(self._ledger.decisions())

    def _record_batch(self, head: Head, claim: Claim, ready: ManifestRange, empty: str) -> None:
        """Decide the batch, after every check, unless another publisher is first."""
        topics = self._checks.query_topics(head)
        taken, read, accepted = self._publishable(head, claim, ready, topics)
        frontier, notes = self._checks.continue_from(head, read, topics, accepted=accepted)
        batch = PublishBatch(
            claim=claim.number,
            contract_version=claim.contract_version,
            checkpoints=taken.checkpoints,
            frontier=frontier,
            outputs=self._checks.outputs(taken, read),
            notes=notes,
            empty=empty,
        )
        self._finisher.record_batch(head, batch)

    # what there is to publish

    def _staged(self) -> ByOutput:
        return {output: staged.read() for output, staged in self.tables.staged.items()}

    def _unpublished(self, head: Head, staged: ByOutput) -> ByOutput:
        return {o: unpublished_manifests(self._ledger, head, o, manifests) for o, manifests in staged.items()}

    def _delete_published(self, staged: ByOutput, fresh: ByOutput) -> None:
        """Delete staged manifests that a restored job committed again after they were published."""
        for output, manifests in staged.items():
            self.tables.staged[output].delete_folded(
                m for i, m in manifests.items() if i not in fresh[output]
            )

    def _ready(self, head: Head, claim: Claim, fresh: ByOutput) -> ManifestRange | None:
        ready = publishable_range(self._ledger, head, fresh, claim)
        return ready if ready and any(ready.manifests.values()) else None

    def _reason_for_empty_batch(self, ready: ManifestRange) -> str:
        """Why a batch without rows is needed all the same; empty where it is not."""
        waiting = max(map(len, ready.manifests.values()))
        if waiting >= EMPTY_KEPT:
            return f"it folds {waiting} checkpoints without rows, which each look would read again"
        ends = {m.id for manifests in ready.manifests.values() for m in manifests}
        for anchor in anchors.unexpired(self._ledger):
            if ends & set(anchor.manifests.values()):
                return f"anchor {anchor.number} stands there, and a replay begins at what is published"
        return ""

    def _awaited_claim(self, claim: Claim) -> int | None:
        return None if self._ledger.head().claim == claim.number else claim.number

    def _publishable(
        self, head: Head, claim: Claim, ready: ManifestRange, topics: TopicReport
    ) -> tuple[ManifestRange, FilesRead, bool]:
        """What may be published of a range, its files, and whether an operator decided that.

        Raises:
            DecisionNeeded: its rows may be of another topic, or their topic lost them.
        """
        decisions = self._decisions()
        if accepted := accepted_range(decisions, claim, ready):
            return accepted, self._checks.read(accepted), True
        if not all(decisions.accepts_loss(span) for change in topics.changes for span in change.lost):
            raise refusals.lost_below_frontier(self.tables.job, topics.changes)
        read = self._checks.read(ready)
        self._refuse_other_records(topics, StagedTail.of(claim.number, ready, read, head.frontier))
        return ready, read, False

    def _refuse_other_records(self, topics: TopicReport, tail: StagedTail) -> None:
        """Refuse rows of which Kafka cannot confirm that they came from the topic that the job began on."""
        job = self.tables.job
        if any(c.other for c in topics.changes):
            raise refusals.other_topic(job, topics.changes, tail)
        if (state := topics.states.get(job)) and (lost := past_end(state, tail.spans)):
            raise refusals.beyond_end(job, self.tables.start.topic, lost, tail)


def _has_rows(ready: ManifestRange) -> bool:
    return any(m.files for manifests in ready.manifests.values() for m in manifests)
