"""What the next publish of an ingest job will stop on, found by looking only: `status` says it first.

The checks are those of publish, on the same staged files. What only a reader of the topic can say (which of
the offsets that it still holds have no record) is left to publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.errors import ConservationError, DecisionNeeded, HeadraceError, LedgerError
from headrace.ledger.branch import (
    ByOutput,
    ManifestRange,
    followed_claim,
    publishable_range,
    unpublished_manifests,
)
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.offsets import Span
from headrace.publish.frontier import continue_frontier
from headrace.publish.staged_files import ReadFile, read_files
from headrace.publish.tail import StagedTail, accepted_range, beyond_end, deleted, other_columns
from headrace.publish.topics import TopicReport, TopicState, past_end
from headrace.table.outputs import Output

LOOKED_INTO = 400
"""Staged files that are read for it, in a second or two. A job that nobody published for days has more."""


@dataclass(frozen=True)
class Forecast:
    """What a look at the topic and the staged files says."""

    stops: tuple[HeadraceError, ...] = ()
    """What publish refuses now, in its own words."""
    deleted: tuple[Span, ...] = ()
    """Offsets that are gone from the topic, neither published nor staged: the job has not come that far."""
    unread: int = 0
    """Staged files that were not looked into, because they are so many: they may hold what is gone."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "stops": [e.to_json() for e in self.stops],
            "deleted": [str(s) for s in self.deleted],
            "unread_files": self.unread,
        }


def forecast(
    ledger: Ledger, head: Head, outputs: Sequence[Output], asked: TopicReport, staged: ByOutput
) -> Forecast:
    """Judge what the followed claim has staged, and what the topic no longer holds.

    Changes that ``asked`` reports are not repeated: another topic, or one that lost published offsets.
    """
    topic = asked.states.get(ledger.job)
    if topic is None or asked.changes:
        return Forecast()
    decisions = StandingDecisions.of(ledger.decisions())
    claim = followed_claim(ledger.claims(), decisions)
    try:
        fresh = {
            output: unpublished_manifests(ledger, head, output, found) for output, found in staged.items()
        }
        found = publishable_range(ledger, head, fresh, claim) if claim else None
        if claim and found and accepted_range(decisions, claim, found):
            return Forecast()
        number = claim.number if claim else 0
        return _Look(ledger, head, topic, decisions).forecast(outputs, number, found or ManifestRange({}))
    except (ConservationError, DecisionNeeded, LedgerError) as e:
        moved = ledger.head() != head  # another publisher took what was staged in the meantime
        return Forecast() if moved else Forecast((e,))


@dataclass(frozen=True)
class _Look:
    ledger: Ledger
    head: Head
    topic: TopicState
    decisions: StandingDecisions

    def forecast(self, outputs: Sequence[Output], claim: int, found: ManifestRange) -> Forecast:
        job, begun = self.ledger.job, self.ledger.start()
        if begun is None:
            return Forecast()
        files = sum(len(m.files) for manifests in found.manifests.values() for m in manifests)
        read = self._read(outputs, found) if 0 < files <= LOOKED_INTO else {}
        positions = (f.positions for of_output in read.values() for f in of_output)
        goes_on = continue_frontier(job, self.head.frontier, begun.offsets, positions)
        stops = []
        if read and (lost := past_end(self.topic, (tail := self._tail(claim, found, read)).spans)):
            stops.append(beyond_end(job, begun.topic, lost, tail))
        if holes := self._gone(goes_on.holes):
            stops.append(deleted(job, begun.topic, holes))
        ahead = self._gone(self._to_the_log(begun.offsets | goes_on.frontier))
        return Forecast(tuple(stops), tuple(ahead), 0 if read else files)

    def _read(self, outputs: Sequence[Output], found: ManifestRange) -> dict[str, list[ReadFile]]:
        files = {o.id: [f for m in found.manifests[o.id] for f in m.files] for o in outputs}
        with other_columns(self.ledger.job, found, "ingest"):
            return {o.id: read_files(self.ledger.warehouse, o.id, files[o.id], o.columns) for o in outputs}

    def _tail(self, claim: int, found: ManifestRange, read: Mapping[str, Sequence[ReadFile]]) -> StagedTail:
        return StagedTail.of(claim, found, read, self.head.frontier)

    def _to_the_log(self, reached: Mapping[int, int]) -> Iterable[Span]:
        """From what is published and staged up to where the log begins."""
        for partition, begins in sorted(self.topic.starts.items()):
            if (next_one := reached.get(partition, 0)) < begins:
                yield Span(partition, next_one, begins - 1)

    def _gone(self, spans: Iterable[Span]) -> list[Span]:
        """Of these those that begin below the log's start, without accepted losses."""
        taken = [span for decision in self.decisions.losses for span in decision.spans]
        return [
            s
            for s in spans
            if s.first < self.topic.starts.get(s.partition, 0) and not any(t.covers(s) for t in taken)
        ]
