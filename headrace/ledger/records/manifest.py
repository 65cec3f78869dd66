"""Manifests as the staged sink writes them. Think of git: a manifest is a commit.

A manifest's id holds a hash of what it says. The sink makes it before it writes the manifest, and nobody
makes it again: what is read from a manifest is never hashed.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import unquote

from pydantic import TypeAdapter

from headrace.ledger.records.record import Kind, Record


def checkpoint_of(manifest: str) -> int:
    """The checkpoint's number in a manifest's id; it grows along a branch."""
    return int(manifest.partition("-")[0])


class StagedFile(Record):
    """A Parquet file that Flink finished; ``path`` is relative to the table's folder."""

    path: str
    size: int

    @property
    def partition(self) -> dict[str, str]:
        """Partition values out of the folder names, as Hive writes them."""
        folders = self.path.split("/")[2:-1]
        return {k: unquote(v) for k, _, v in (folder.partition("=") for folder in folders)}


class FoldedManifest(Record):
    """What a batch keeps of a manifest that it has folded; the batch names its files itself."""

    id: str
    parent: str | None
    checkpoint: int
    output: str
    claim: int
    submission: str
    contract_version: str


class Manifest(FoldedManifest):
    """What one output received up to one barrier."""

    files: tuple[StagedFile, ...]
    format: Literal[1] = 1
    job: str = ""

    def folded(self) -> FoldedManifest:
        """What a batch keeps of it."""
        return FoldedManifest(**{name: getattr(self, name) for name in FoldedManifest.model_fields})


MANIFESTS = Kind("manifests", TypeAdapter(Manifest))
