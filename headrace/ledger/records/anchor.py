"""Savepoints where a replay can start."""

from __future__ import annotations

from pydantic import TypeAdapter

from headrace.ledger.records.record import Numbered, RecordKind
from headrace.offsets import Offsets


class Anchor(Numbered):
    """A savepoint, with what had been read and published at that point."""

    path: str
    """Where the savepoint is."""
    adopted: bool
    """Whether it was made by other means: then its files are not ours to remove."""
    at: str
    by: str
    why: str
    checkpoint: int
    """As the branch counts, like the manifests."""
    submission: str
    claim: int
    manifests: dict[str, str]
    """Per output, the manifest from which a job restored from it continues."""
    positions: dict[str, Offsets]
    """Per contract that the job reads, the next offset of each partition."""
    watermarks: dict[str, int]
    """Per output, how far event time had come, in milliseconds."""
    batch: int
    """The newest batch that was published when it was recorded."""
    versions: dict[str, int]
    """The table versions of that batch."""
    contract_version: str
    plan: str
    """Digest of the plan that ran; ``plans/`` in the ledger holds it."""
    flink: str
    """Version of the Flink that wrote it."""


ANCHORS = RecordKind("anchors", TypeAdapter(Anchor), stamped=("number",))
