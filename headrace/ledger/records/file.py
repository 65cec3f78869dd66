"""Data files as records name them."""

from __future__ import annotations

from headrace.ledger.records.record import Record


class RecordedFile(Record):
    """A Parquet file that a batch registers, with all that its Delta commit needs."""

    path: str
    """Relative to the table's folder."""
    size: int
    rows: int
    partition: dict[str, str]
    statistics: str
    """Delta's file statistics, as JSON."""
    holds: tuple[str, ...] = ()
    """Which of the columns that a table has only when they are needed hold a value here."""
    manifest: str | None = None
    """The manifest that names it; None where a patch made it."""
