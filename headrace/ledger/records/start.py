"""Where a job began on a topic."""

from __future__ import annotations

from pydantic import TypeAdapter

from headrace.ledger.records.record import RecordKind
from headrace.offsets import Offsets
from headrace.record import Record


class TopicStart(Record):
    """Written once for each topic that a job reads; whatever the topic becomes later is compared with it."""

    topic: str
    """Its name in Kafka."""
    topic_id: str
    """Kafka's own UUID of it."""
    offsets: Offsets
    """The first offset of each partition that there was."""
    at: str


STARTS = RecordKind("start", TypeAdapter(TopicStart))
