"""What a replay is to do."""

from __future__ import annotations

from pydantic import TypeAdapter

from headrace.ledger.records.fork import ForkPoint
from headrace.ledger.records.record import Numbered, RecordKind
from headrace.offsets import Offsets
from headrace.record import Record


class Size(Record):
    """How much some files hold."""

    files: int
    rows: int
    bytes: int


class Replay(Numbered):
    """One replay as it was planned. Number 0, and no name or time, while it is only looked at."""

    origin: str
    """From where, in words."""
    why: str
    by: str = ""
    """Who planned it; set by the ledger, like the time."""
    at: str = ""
    fork: ForkPoint
    savepoint: str | None
    """What the fork restores; None where it begins at offsets, without state."""
    anchor: int | None
    frontier: Offsets
    """The offset up to which the branch is published at the fork point."""
    positions: dict[str, Offsets]
    """Per contract that the job reads, where the fork begins to read."""
    replaces: dict[str, Size]
    """Per output, what the branch held after the fork point when it was planned."""
    records: int
    """How many offsets it had to read again when it was planned: at most so many records."""
    contract_version: str
    program: str
    """Digest of the program that it was planned with: one replay runs one program."""
    stale: tuple[str, ...] = ()
    """Derived tables that read the same topic: the replay does not change them."""
    rate: int = 0
    """Offsets a second at which the job has read what had waited for it; 0 where that was not measured."""


REPLAYS = RecordKind("replays", TypeAdapter(Replay), stamped=("number", "by", "at"))
