"""Whether the topics that a job reads are still those that it began on.

Flink's own restart never runs ``main``: it reads on at the same offset, also in another topic of that name.
So publish looks, and the order makes it a proof. The id of a topic is asked for **after** the staged
manifests were read. Ids never return: if it is the one that the job began on, it was so all along, and
whatever those manifests hold came out of that topic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.offsets import Epoch, Offsets, Span


class TopicState(Protocol):
    """The state of a topic now."""

    @property
    def id(self) -> str | None:
        """Kafka's own UUID; None if there is no such topic."""

    @property
    def ends(self) -> Mapping[int, int]:
        """Partition → the offset that the next record gets."""

    @property
    def starts(self) -> Mapping[int, int]:
        """Partition → the smallest offset that it still holds."""

    @property
    def epochs(self) -> Mapping[int, Epoch]:
        """Partition → its newest leader epoch."""

    @property
    def kept(self) -> Mapping[int, int]:
        """Partition → the offset below which the log is still the one whose epoch was recorded."""


class TopicSource(Protocol):
    """What publish asks Kafka; topics are named in full."""

    @property
    def reads(self) -> Sequence[str]:
        """The contracts of the topics that the job reads."""

    def holes(self, topic: str, spans: list[Span], /) -> dict[Span, str]:
        """``absent``, ``present`` or ``lost`` for each span of offsets."""

    def topic_state(self, topic: str, noted: Mapping[int, Epoch], /) -> TopicState:
        """The state of a topic, and what its log kept since epochs were recorded."""


@dataclass(frozen=True)
class TopicChange:
    """A topic that is not what it was when the job read it."""

    contract: str
    topic: str
    was: str
    """The id of the topic that the job began on."""
    id: str | None
    """The id that its name has now."""
    lost: tuple[Span, ...] = ()
    """Published offsets that its log lost: other records may have them now."""

    @property
    def other(self) -> bool:
        """Whether it is another topic, or none at all."""
        return self.id != self.was

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "topic": self.topic,
            "began_on": self.was,
            "id": self.id,
            "lost": [str(s) for s in self.lost],
            "what": str(self),
        }

    def __str__(self) -> str:
        if self.id is None:
            return f"topic {self.topic} is gone"
        if self.other:
            return f"topic {self.topic} was deleted and created again: its offsets refer to other records now"
        spans = ", ".join(map(str, self.lost))
        return f"topic {self.topic} lost offsets that are published: {spans}. New records may have them now"


@dataclass(frozen=True)
class TopicReport:
    """What Kafka reported about a job's topics at one moment."""

    states: dict[str, TopicState]
    """By contract."""
    changes: tuple[TopicChange, ...]


def query_topics(source: TopicSource, ledger: Ledger, head: Head) -> TopicReport:
    """Ask Kafka about the topics that a job reads, and compare that with what the ledger noted."""
    states: dict[str, TopicState] = {}
    changes = []
    for contract in source.reads:
        start = ledger.start(contract)
        if start is None:
            continue
        own = contract == ledger.job
        state = source.topic_state(start.topic, head.epochs if own else {})
        states[contract] = state
        lost = _lost(head, state) if own and state.id == start.topic_id else ()
        if state.id != start.topic_id or lost:
            changes.append(TopicChange(contract, start.topic, start.topic_id, state.id, lost))
    return TopicReport(states, tuple(changes))


def _lost(head: Head, state: TopicState) -> tuple[Span, ...]:
    """What the log lost below the frontier, whether it has grown past it again or not."""
    reach = {p: min(state.ends.get(p, 0), state.kept.get(p, o)) for p, o in head.frontier.items()}
    return tuple(Span(p, reach[p], o - 1) for p, o in sorted(head.frontier.items()) if reach[p] < o)


def past_end(state: TopicState, spans: Sequence[Span]) -> list[Span]:
    """Of offsets that were read, those after the topic's end."""
    ends = {s.partition: state.ends.get(s.partition, 0) for s in spans}
    return [
        Span(s.partition, max(s.first, ends[s.partition]), s.last)
        for s in spans
        if ends[s.partition] <= s.last
    ]


def topic_notes(
    head: Head, report: TopicReport, contract: str, frontier: Offsets
) -> tuple[dict[int, Epoch], tuple[Span, ...]]:
    """What a batch notes of an ingest job's topic, for later looks; of another topic, what the head noted.

    Returns:
        The newest leader epoch of each partition, with where it begins; and offsets below the frontier that
        the topic does not hold any more.
    """
    state = report.states.get(contract)
    if state is None or any(c.other for c in report.changes):
        return head.epochs, head.tails
    reached = [Span(p, 0, o - 1) for p, o in frontier.items()]
    lost = {*head.tails, *(s for c in report.changes for s in c.lost), *past_end(state, reached)}
    return dict(sorted(state.epochs.items())), tuple(sorted(lost))


def head_at_fork(head: Head, reached: Offsets) -> Head:
    """What is known of a topic at a fork point: what it lost after that, the fork has read anew."""
    below = [s for s in head.tails if s.first < reached.get(s.partition, 0)]
    clipped = (Span(s.partition, s.first, min(s.last, reached[s.partition] - 1)) for s in below)
    return Head(frontier=reached, epochs=head.epochs, tails=tuple(clipped))
