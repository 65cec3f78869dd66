"""Manifests as the staged sink writes them. Think of git: a manifest is a commit.

A manifest's id contains a hash of its content. The sink makes it before it writes the manifest, and nobody
makes it again: what is read from a manifest is never hashed.
"""

from __future__ import annotations

from typing import Literal

from pydantic import TypeAdapter

from headrace.files import StagedFile
from headrace.ledger.records.record import RecordKind
from headrace.record import Record


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


MANIFESTS = RecordKind("manifests", TypeAdapter(Manifest))
