"""What the next publish of an ingest job will stop on, found by looking only: `status` says it first.

The checks are those of publish, on the same staged files. What only a reader of the topic can say (which of
the offsets that it still holds have no record) is left to publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.errors import ConservationError, DecisionNeeded, HeadraceError, LedgerError
from headrace.ledger.branch import ByOutput, Stretch, followed, stretch, unpublished
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.offsets import Span
from headrace.publish.frontier import continue_frontier
from headrace.publish.staged_files import ReadFile, read_files
from headrace.publish.tail import Tail, accepted, beyond_end, deleted, other_columns
from headrace.publish.topics import Asked, Standing, beyond
from headrace.table.outputs import Output

LOOKED_INTO = 400
"""Staged files that are read for it, in a second or two. A job that nobody published for days has more."""


@dataclass(frozen=True)
class Foreseen:
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


def foresee(
    ledger: Ledger, head: Head, outputs: Sequence[Output], asked: Asked, staged: ByOutput
) -> Foreseen:
    """Judge what the followed claim has staged, and what the topic no longer holds.

    Changes that ``asked`` reports are not repeated: another topic, or one that lost published offsets.
    """
    topic = asked.standings.get(ledger.job)
    if topic is None or asked.changes:
        return Foreseen()
    rulings = StandingDecisions.of(ledger.decisions())
    claim = followed(ledger.claims(), rulings)
    try:
        fresh = {output: unpublished(ledger, head, output, found) for output, found in staged.items()}
        found = stretch(ledger, head, fresh, claim) if claim else None
        if claim and found and accepted(rulings, claim, found):
            return Foreseen()
        number = claim.number if claim else 0
        return _Look(ledger, head, topic, rulings).foreseen(outputs, number, found or Stretch({}))
    except (ConservationError, DecisionNeeded, LedgerError) as e:
        moved = ledger.head() != head  # another publisher took what was staged in the meantime
        return Foreseen() if moved else Foreseen((e,))


@dataclass(frozen=True)
class _Look:
    ledger: Ledger
    head: Head
    topic: Standing
    rulings: StandingDecisions

    def foreseen(self, outputs: Sequence[Output], claim: int, found: Stretch) -> Foreseen:
        job, begun = self.ledger.job, self.ledger.start()
        if begun is None:
            return Foreseen()
        files = sum(len(m.files) for manifests in found.manifests.values() for m in manifests)
        read = self._read(outputs, found) if 0 < files <= LOOKED_INTO else {}
        positions = (f.positions for of_output in read.values() for f in of_output)
        goes_on = continue_frontier(job, self.head.frontier, begun.offsets, positions)
        stops = []
        if read and (lost := beyond(self.topic, (tail := self._tail(claim, found, read)).spans)):
            stops.append(beyond_end(job, begun.topic, lost, tail))
        if holes := self._gone(goes_on.holes):
            stops.append(deleted(job, begun.topic, holes))
        ahead = self._gone(self._to_the_log(begun.offsets | goes_on.frontier))
        return Foreseen(tuple(stops), tuple(ahead), 0 if read else files)

    def _read(self, outputs: Sequence[Output], found: Stretch) -> dict[str, list[ReadFile]]:
        files = {o.id: [f for m in found.manifests[o.id] for f in m.files] for o in outputs}
        with other_columns(self.ledger.job, found, "ingest"):
            return {o.id: read_files(self.ledger.warehouse, o.id, files[o.id], o.columns) for o in outputs}

    def _tail(self, claim: int, found: Stretch, read: Mapping[str, Sequence[ReadFile]]) -> Tail:
        return Tail.of(claim, found, read, self.head.frontier)

    def _to_the_log(self, reached: Mapping[int, int]) -> Iterable[Span]:
        """From what is published and staged up to where the log begins."""
        for partition, begins in sorted(self.topic.starts.items()):
            if (next_one := reached.get(partition, 0)) < begins:
                yield Span(partition, next_one, begins - 1)

    def _gone(self, spans: Iterable[Span]) -> list[Span]:
        """Of these those that begin below the log's start, without accepted losses."""
        taken = [span for ruling in self.rulings.losses for span in ruling.spans]
        return [
            s
            for s in spans
            if s.first < self.topic.starts.get(s.partition, 0) and not any(t.covers(s) for t in taken)
        ]
