"""Data files of a table, as manifests and batches name them."""

from __future__ import annotations

from urllib.parse import unquote

from pydantic import Field

from headrace.record import Record


class StagedFile(Record):
    """A Parquet file that Flink finished; ``path`` is relative to the table's folder."""

    path: str
    size: int

    @property
    def partition(self) -> dict[str, str]:
        """Partition values from the folder names, as Hive writes them."""
        return partition_of(self.path)


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

    @property
    def staged(self) -> StagedFile:
        """The same file as a manifest names it."""
        return StagedFile(path=self.path, size=self.size)


Files = dict[str, tuple[RecordedFile, ...]]
"""By output."""


class Baseline(Record):
    """What the tables held at a fork point: a version of each, and files that came after it."""

    versions: dict[str, int] = Field(default_factory=dict)
    files: Files = Field(default_factory=dict)


def partition_of(path: str) -> dict[str, str]:
    """Partition values from the folder names of a path, as Hive writes them."""
    folders = (folder.partition("=") for folder in path.split("/")[:-1])
    return {name: unquote(value) for name, is_value, value in folders if is_value}
