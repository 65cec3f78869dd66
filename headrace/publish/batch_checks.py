"""What is checked before a batch is decided: its files, and that their offsets continue the frontier (G1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from headrace.delta.commit import refuse_other_columns
from headrace.errors import ConservationError, DecisionNeeded, LedgerError
from headrace.files import RecordedFile, StagedFile
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.manifest_range import ManifestRange
from headrace.ledger.records import BatchOutput, Manifest, TopicNotes
from headrace.offsets import Offsets, Span, span_list
from headrace.publish import refusals
from headrace.publish.fit import refuse_other_key
from headrace.publish.frontier import continue_frontier
from headrace.publish.staged_files import FilesRead, ReadFile, read_files
from headrace.publish.tables import JobTables
from headrace.publish.topics import TopicReport, query_topics, topic_notes
from headrace.table.outputs import Output

log = structlog.get_logger()


class BatchChecks:
    """The checks of one job's batches."""

    def __init__(self, tables: JobTables, *, remember: bool = False) -> None:
        """Check a job's batches.

        Args:
            tables: the job's.
            remember: read each staged file once. While a replay looks at all that its fork has sealed, the
                live job's publisher may win one batch number after the other; each time it looks again.
        """
        self._tables, self._ledger, self._remember = tables, tables.ledger, remember
        self._known: dict[tuple[str, str], ReadFile] = {}
        """Files that were read, by output and path."""

    def query_topics(self, head: Head) -> TopicReport:
        """What Kafka reports about the topics. Call it after reading everything that will be published."""
        return query_topics(self._tables.source, self._ledger, head)

    def read(self, taken: ManifestRange) -> FilesRead:
        """Every file of the manifests, in their order.

        Raises:
            LedgerError: a table, or a file, has other columns than the contract; or rows have wrong times.
        """
        self._tables.step("read")
        head = self._ledger.head()
        for output in self._tables.outputs:
            refuse_other_columns(self._tables.warehouse, output.id, output.columns)
            refuse_other_key(self._tables.warehouse, head, output)
        files = {o.id: [f for m in taken.manifests[o.id] for f in m.files] for o in self._tables.outputs}
        with refusals.with_way_out(self._tables.job, taken, has_state=self._tables.contract.job_has_state):
            return {o.id: self.read_files(o, files[o.id]) for o in self._tables.outputs}

    def read_files(self, output: Output, files: Sequence[StagedFile]) -> list[ReadFile]:
        """These files of one output.

        Raises:
            LedgerError: a file has other columns than the contract, or rows with wrong times.
        """
        fresh = [f for f in files if (output.id, f.path) not in self._known]
        read = read_files(self._tables.warehouse, output.id, fresh, output.columns)
        for file in read:
            self._refuse_wrapped(output, file)
            if file.unbounded:
                log.warning(
                    "published without bounds: times after the year 9999",
                    file=f"{output.id}/{file.file.path}",
                    columns=list(file.unbounded),
                )
        if not self._remember:
            return read
        self._known |= {(output.id, f.file.path): f for f in read}
        return [self._known[output.id, f.path] for f in files]

    def _refuse_wrapped(self, output: Output, file: ReadFile) -> None:
        """Refuse Kafka times that wrapped around: they are wrong, and the records are still in the topic."""
        job = self._tables.job
        if file.wrapped:
            raise LedgerError(
                f"{file.wrapped:,} rows of a staged file carry a wrong Kafka timestamp: an older version of"
                " the program wrote it",
                where=f"{output.id}/{file.file.path}",
                remedy=f"nothing was published; the records have to be read again: `headrace stop {job}`,"
                f" `headrace branch restart {job} --why TEXT`, `headrace run {job}`",
            )

    def outputs(self, taken: ManifestRange, read: Mapping[str, Sequence[ReadFile]]) -> dict[str, BatchOutput]:
        """What a batch takes into each table: these manifests, and their files."""
        return {
            o.id: BatchOutput(
                manifests=tuple(m.folded() for m in taken.manifests[o.id]),
                files=_recorded(taken.manifests[o.id], read[o.id]),
            )
            for o in self._tables.outputs
        }

    def continue_from(
        self,
        head: Head,
        read: Mapping[str, Sequence[ReadFile]],
        topics: TopicReport,
        *,
        accepted: bool = False,
    ) -> tuple[Offsets, TopicNotes]:
        """How a batch that goes on from ``head`` continues its frontier.

        A derive job's rows have no position in a topic: their input is fixed by Flink's checkpoint, and only
        the chain of manifests distinguishes them from the rows of a rewound job.

        Args:
            head: where the batch goes on from.
            read: the batch's files.
            topics: what Kafka reported about the topics.
            accepted: an operator decided to publish these rows; Kafka cannot be asked about them any more.

        Raises:
            ConservationError: an offset would be published twice, or never.
            DecisionNeeded: Kafka lost records, or the topic is another one.
        """
        if not self._tables.contract.has_topic:
            return {}, TopicNotes()
        frontier, notes = self._frontier_and_holes(head.frontier, read, accepted=accepted)
        if notes.holes or notes.lost:
            self._refuse_other_topic()
        epochs, cut_off = topic_notes(head, topics, self._tables.job, frontier)
        return frontier, notes.model_copy(update={"epochs": epochs, "tails": cut_off})

    def _refuse_other_topic(self) -> None:
        """Refuse another topic: what Kafka reports about holes would concern other records.

        Raises:
            DecisionNeeded: it was deleted and created again just now.
        """
        if others := [c for c in self.query_topics(Head()).changes if c.other]:
            raise DecisionNeeded(
                str(others[0]),
                where=f"topic id {others[0].id or 'none'}, the job began on {others[0].was}",
                remedy=f"headrace publish {self._tables.job} names what is not published, and the ways out",
            )

    def _frontier_and_holes(
        self, reached: Offsets, read: Mapping[str, Sequence[ReadFile]], *, accepted: bool
    ) -> tuple[Offsets, TopicNotes]:
        """The frontier after an ingest job's batch, and the offsets without a row."""
        first = self._tables.start.offsets
        continuation = continue_frontier(
            self._tables.job, reached, first, (f.positions for files in read.values() for f in files)
        )
        frontier = first | continuation.frontier
        if accepted:
            return frontier, TopicNotes(unverified=continuation.holes)
        lost = self._losses(list(continuation.holes))
        holes = tuple(s for s in continuation.holes if s not in lost)
        return frontier, TopicNotes(holes=holes, lost=tuple(lost))

    def _losses(self, holes: list[Span]) -> list[Span]:
        """The holes that are accepted losses; any other hole must have been made by Kafka.

        Raises:
            ConservationError: the topic holds records there.
            DecisionNeeded: Kafka lost records there, and no operator has accepted that.
        """
        if not holes:
            return []
        topic, job = self._tables.start.topic, self._tables.job
        verdicts = self._tables.source.holes(topic, holes)
        self._refuse_skipped([s for s in holes if verdicts[s] == "present"])
        lost = [s for s in holes if verdicts[s] == "lost"]
        decisions = StandingDecisions.of(self._ledger.decisions())
        if unaccepted := [s for s in lost if not decisions.accepts_loss(s)]:
            raise refusals.deleted(job, topic, unaccepted)
        return lost

    def _refuse_skipped(self, spans: Sequence[Span]) -> None:
        """Refuse a batch whose files lack records that the topic holds."""
        job = self._tables.job
        if spans:
            raise ConservationError(
                f"records of the topic are in no file: {span_list(spans)}",
                where=f"topic {self._tables.start.topic}",
                remedy=f"nothing was published. The job skipped them; to read them again from the frontier:"
                f" `headrace stop {job}`, `headrace branch restart {job} --why TEXT`, `headrace run {job}`",
                missing=[str(s) for s in spans],
            )


def _recorded(manifests: Sequence[Manifest], read: Sequence[ReadFile]) -> tuple[RecordedFile, ...]:
    """Files as a batch records them, each with the manifest that names it."""
    named = {f.path: m.id for m in manifests for f in m.files}
    return tuple(r.recorded(named[r.file.path]) for r in read)
