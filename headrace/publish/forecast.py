"""What will stop the next publish of an ingest job, determined without changing anything, for `status`.

The checks are those of publish, on the same staged files. Only publish itself reads the topic, to
learn which of the offsets that it still holds have no record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.errors import ConservationError, DecisionNeeded, HeadraceError, LedgerError
from headrace.ledger.branch import ByOutput, followed_claim, unpublished_manifests
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifest_range import ManifestRange, publishable_range
from headrace.offsets import Span
from headrace.publish.frontier import continue_frontier
from headrace.publish.refusals import beyond_end, deleted, with_way_out
from headrace.publish.staged_files import ReadFile, read_files
from headrace.publish.tail import StagedTail, accepted_range
from headrace.publish.topics import TopicReport, TopicState, past_end
from headrace.table.outputs import Output

FILES_READ_AT_MOST = 400
"""The most staged files that are read for it, in a second or two. A job not published for days has more."""


@dataclass(frozen=True)
class Forecast:
    """What the topic and the staged files show."""

    stops: tuple[HeadraceError, ...] = ()
    """What publish refuses now, in its own words."""
    deleted: tuple[Span, ...] = ()
    """Offsets that are gone from the topic, neither published nor staged: the job has not read that far."""
    unread: int = 0
    """Staged files that were not read, because there are too many: they may hold what is gone."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "stops": [e.to_json() for e in self.stops],
            "deleted": [str(s) for s in self.deleted],
            "unread_files": self.unread,
        }


def forecast(
    ledger: Ledger, head: Head, outputs: Sequence[Output], topics: TopicReport, staged: ByOutput
) -> Forecast:
    """Check what the followed claim has staged, and what the topic no longer holds.

    Changes that ``topics`` reports are not repeated: another topic, or one that lost published offsets.
    """
    topic = topics.states.get(ledger.job)
    if topic is None or topics.changes:
        return Forecast()
    try:
        return _Look(ledger, head, topic, StandingDecisions.of(ledger.decisions())).forecast(outputs, staged)
    except (ConservationError, DecisionNeeded, LedgerError) as e:
        moved = ledger.head() != head  # another publisher took what was staged in the meantime
        return Forecast() if moved else Forecast((e,))


@dataclass(frozen=True)
class _Look:
    ledger: Ledger
    head: Head
    topic: TopicState
    decisions: StandingDecisions

    def forecast(self, outputs: Sequence[Output], staged: ByOutput) -> Forecast:
        """What publish would do with all that is staged."""
        claim = followed_claim(self.ledger.claims(), self.decisions)
        if claim is None:
            return self._of_range(outputs, 0, ManifestRange({}))
        fresh = {
            output: unpublished_manifests(self.ledger, self.head, output, manifests)
            for output, manifests in staged.items()
        }
        ready = publishable_range(self.ledger, self.head, fresh, claim) or ManifestRange({})
        if ready.manifests and accepted_range(self.decisions, claim, ready):
            return Forecast()
        return self._of_range(outputs, claim.number, ready)

    def _of_range(self, outputs: Sequence[Output], claim: int, ready: ManifestRange) -> Forecast:
        start = self.ledger.start()
        if start is None:
            return Forecast()
        files = ready.files
        read = self._read(outputs, ready) if 0 < files <= FILES_READ_AT_MOST else {}
        positions = (f.positions for of_output in read.values() for f in of_output)
        continuation = continue_frontier(self.ledger.job, self.head.frontier, start.offsets, positions)
        holes = self._deleted(continuation.holes)
        stops = (
            self._beyond_end(start.topic, self._tail(claim, ready, read)) if read else None,
            deleted(self.ledger.job, start.topic, holes) if holes else None,
        )
        ahead = self._deleted(self._to_the_log(start.offsets | continuation.frontier))
        return Forecast(tuple(e for e in stops if e), tuple(ahead), 0 if read else files)

    def _beyond_end(self, topic: str, tail: StagedTail) -> DecisionNeeded | None:
        lost = past_end(self.topic, tail.spans)
        return beyond_end(self.ledger.job, topic, lost, tail) if lost else None

    def _read(self, outputs: Sequence[Output], ready: ManifestRange) -> dict[str, list[ReadFile]]:
        files = {o.id: [f for m in ready.manifests[o.id] for f in m.files] for o in outputs}
        with with_way_out(self.ledger.job, ready, has_state=False):
            return {o.id: read_files(self.ledger.warehouse, o.id, files[o.id], o.columns) for o in outputs}

    def _tail(self, claim: int, ready: ManifestRange, read: Mapping[str, Sequence[ReadFile]]) -> StagedTail:
        return StagedTail.of(claim, ready, read, self.head.frontier)

    def _to_the_log(self, reached: Mapping[int, int]) -> Iterable[Span]:
        """From what is published and staged up to where the log begins."""
        for partition, begins in sorted(self.topic.starts.items()):
            if (next_one := reached.get(partition, 0)) < begins:
                yield Span(partition, next_one, begins - 1)

    def _deleted(self, spans: Iterable[Span]) -> list[Span]:
        """Of these the ones that begin below the log's start, without accepted losses."""
        below = [s for s in spans if s.first < self.topic.starts.get(s.partition, 0)]
        return [s for s in below if not self.decisions.accepts_loss(s)]
