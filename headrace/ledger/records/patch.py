"""Patches: the request, and what the bounded job made of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, TypeAdapter

from headrace.files import RecordedFile
from headrace.ledger.records.record import Numbered, RecordKind
from headrace.offsets import Offsets
from headrace.record import Record

PatchKind = Literal["redrive", "backfill", "replay", "rollback"]


class Refusal(Record):
    """Records that are not good enough for the table, for one reason."""

    reason: str | None
    field: str | None
    rule: str | None
    count: int
    example: str
    """One of them, as ``partition:offset``."""


class SourceFile(Numbered):
    """A file that a backfill has taken rows from. Its rows have the partition below zero of its number."""

    address: str
    sha256: str
    modified_ms: int
    at: str


class CountedFile(SourceFile):
    """The same, with how many rows it has."""

    rows: int


class Patch(Numbered):
    """One patch as it was requested."""

    kind: PatchKind
    origin: str
    """Which records, in words."""
    why: str
    by: str = ""
    """Who requested it; set by the ledger, like the time."""
    at: str = ""
    contract_version: str
    program: str
    """Digest of the program that judges it: one patch is judged and published under one contract."""
    records: int
    """How many are to be judged."""
    input: str | None = None
    """Key of the Parquet file that holds their payloads; None where they are read from the topic."""
    first: Offsets = Field(default_factory=dict)
    """Of a bounded replay, where it begins."""
    end: Offsets = Field(default_factory=dict)
    """Of a bounded replay, the offset after its last one."""
    repair: str | None = None
    """The Python function that the payloads went through."""
    unrepaired: tuple[Refusal, ...] = ()
    """Records on which the function failed: they stay where they are."""
    files: tuple[CountedFile, ...] = ()
    """Of a backfill."""
    rolls_back: int | None = None
    """Of a rollback, the patch that it reverses."""

    @property
    def name(self) -> str:
        """Its name in messages; `replay 4` alone would name a replay on a fork."""
        return f"{'bounded ' if self.kind == 'replay' else ''}{self.kind} {self.number}"


class JudgedPatch(Record):
    """What the bounded job made of a patch's records."""

    submission: str
    after_batch: int
    """The newest batch when its job was submitted."""
    files: dict[str, tuple[RecordedFile, ...]]
    """By output."""
    refused: tuple[Refusal, ...]
    """The most frequent reason first."""
    at: str

    @property
    def rows(self) -> dict[str, int]:
        """By output."""
        return {o: sum(f.rows for f in files) for o, files in self.files.items()}


PATCHES = RecordKind("patches", TypeAdapter(Patch), stamped=("number", "by", "at"))
JUDGED = RecordKind("judged", TypeAdapter(JudgedPatch))
FILES = RecordKind("files", TypeAdapter(SourceFile), stamped=("number",))
