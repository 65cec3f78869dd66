"""What a proof relies on beside Kafka and the tables: what was recorded while Kafka still showed it.

Proofs share no code with the ledger, so its records come in as these values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from headrace.offsets import Epoch
from headrace.verify.marks import Range

Ranges = Mapping[int, Sequence[Range]]
"""By partition."""


@dataclass(frozen=True)
class TopicAtBatch:
    """How far a batch goes, and what its topic was at that time; by partition."""

    frontier: Mapping[int, int] = field(default_factory=dict)
    """Without one, the tables end with their rows, so a missing tail is not noticed."""
    epochs: Mapping[int, Epoch] = field(default_factory=dict)
    """The newest leader epoch, and the offset at which it began."""
    tails: Ranges = field(default_factory=dict)
    """Published offsets that the topic had lost by then."""


@dataclass(frozen=True)
class RecordedHoles:
    """Offsets without a row, as the batches up to one recorded them."""

    absent: Ranges = field(default_factory=dict)
    """Kafka had no record there: transaction markers, aborted transactions, compaction."""
    lost: Ranges = field(default_factory=dict)
    """Kafka had deleted the records, and an operator accepted that."""


class Evidence(Protocol):
    """The records of a job that the proof of its tables relies on."""

    def topic_id(self) -> str | None:
        """Kafka's id of the topic that the job began on: another topic of its name proves nothing."""

    def topic_at(self, batch: int) -> TopicAtBatch:
        """The topic as a batch recorded it."""

    def holes(self, batch: int) -> RecordedHoles:
        """The holes up to a batch; requested only if offsets below the log start are in no table."""

    def file_rows(self, batch: int) -> Mapping[int, int]:
        """Rows of each file that was backfilled up to a batch, counted in the file, by negative partition."""


class NoEvidence:
    """Nothing is recorded: the tables are compared with Kafka as far as their rows reach."""

    def topic_id(self) -> str | None:
        """Any topic of that name."""
        return None

    def topic_at(self, batch: int) -> TopicAtBatch:  # noqa: ARG002 - the same for every batch
        """No frontier."""
        return TopicAtBatch()

    def holes(self, batch: int) -> RecordedHoles:  # noqa: ARG002 - as above
        """No holes."""
        return RecordedHoles()

    def file_rows(self, batch: int) -> Mapping[int, int]:  # noqa: ARG002 - as above
        """No files."""
        return {}
