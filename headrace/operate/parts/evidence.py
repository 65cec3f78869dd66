"""The evidence that `verify` takes from the ledger, and from the files of backfills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from headrace import settings
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, DONE, ForkBatch, PublishBatch
from headrace.offsets import Span
from headrace.progress import Progress, silent
from headrace.replay.backfill import count_rows
from headrace.storage.parallel import each
from headrace.verify.evidence import RecordedHoles, TopicAtBatch
from headrace.verify.marks import Range


class LedgerEvidence:
    """What a job's ledger records of its topic and its batches, as a proof takes it."""

    def __init__(self, ledger: Ledger, store: settings.Store, progress: Progress = silent) -> None:
        self._ledger, self._store, self._progress = ledger, store, progress
        self.unverified_files: list[str] = []
        """Backfilled files that are gone or changed: their rows are counted as the ledger records them."""

    def topic_id(self) -> str | None:
        """Kafka's id of the topic that the job began on; None before it began."""
        start = self._ledger.start()
        return start.topic_id if start else None

    def topic_at(self, batch: int) -> TopicAtBatch:
        """The frontier and the topic in the batch's ``done`` record; nothing if it is not done."""
        done = self._ledger.get(DONE, batch)
        return TopicAtBatch(done.frontier, done.epochs, _ranges(done.tails)) if done else TopicAtBatch()

    def holes(self, batch: int) -> RecordedHoles:
        """The holes that the batches up to one recorded."""
        batches = each(lambda n: self._ledger.get(BATCHES, n), range(1, batch + 1))
        notes = [b.notes for b in batches if isinstance(b, (PublishBatch, ForkBatch))]
        return RecordedHoles(
            absent=_ranges(span for n in notes for span in n.holes),
            lost=_ranges(span for n in notes for span in n.lost),
        )

    def file_rows(self, batch: int) -> Mapping[int, int]:
        """The rows of each backfilled file that a batch holds, by negative partition."""
        rows = count_rows(self._store, self._ledger, batch, self._progress)
        self.unverified_files += rows.unverified
        return rows.counts


def _ranges(spans: Iterable[Span]) -> dict[int, list[Range]]:
    """Spans by partition."""
    ranges: dict[int, list[Range]] = defaultdict(list)
    for span in spans:
        ranges[span.partition].append(Range(span.first, span.last))
    return ranges
