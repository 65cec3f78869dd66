"""What publish asks Kafka about the topics that a job reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.cluster.kafka.proof import H, holes
from headrace.cluster.kafka.standing import Epoch, Standing, standing


@dataclass(frozen=True)
class Source:
    """The topics of one job, at their brokers. Topics are named in full."""

    bootstrap: str
    reads: tuple[str, ...]
    """The contracts of the topics."""

    def holes(self, topic: str, spans: list[H]) -> dict[H, str]:
        """``absent``, ``present`` or ``lost`` for each span of offsets."""
        return {p.hole: p.verdict.value for p in holes(self.bootstrap, topic, spans)}

    def standing(self, topic: str, noted: Mapping[int, Epoch]) -> Standing:
        """How a topic stands, and what its log kept since epochs were noted."""
        return standing(self.bootstrap, topic, noted)
