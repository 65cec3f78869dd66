"""Which checkpoint or savepoint a new submission goes on from: the newest good one on the branch.

Flink is told to keep them under ``_flink/<job>/<submission>/``, so a path says whose it is, and the
ledger says whether that submission is on the branch. Only a checkpoint with its ``_metadata`` is good:
Flink writes that file last.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from headrace.lake.branch import Rulings, followed
from headrace.lake.ledger import Claim, Ledger
from headrace.lake.store import Warehouse

MAGIC = 0x4960672D
"""First four bytes of Flink's checkpoint metadata (MetadataSerializers.HEADER_MAGIC_NUMBER)."""
_HEADER = struct.Struct(">iiq")


@dataclass(frozen=True, order=True)
class Checkpoint:
    """A restorable point of a submission."""

    number: int
    path: str
    """Its address, as Flink takes it."""


def folder(job: str, submission: str) -> str:
    """The key under which a submission keeps its checkpoints and savepoints."""
    return f"_flink/{job}/{submission}"


def of_submission(warehouse: Warehouse, job: str, submission: str) -> list[Checkpoint]:
    """All good checkpoints and savepoints of a submission, oldest first."""
    found = []
    for key in warehouse.keys(f"{folder(job, submission)}/"):
        if re.search(r"/(chk-\d+|savepoint-[^/]+)/_metadata$", key):
            number = _number(warehouse, key)
            if number is not None:
                found.append(Checkpoint(number, f"{warehouse.uri}/{key.removesuffix('/_metadata')}"))
    return sorted(found)


def _number(warehouse: Warehouse, key: str) -> int | None:
    """The checkpoint number out of the metadata's header; None if this is no metadata."""
    raw = warehouse.read_start(key, _HEADER.size)
    if len(raw) < _HEADER.size:
        return None
    magic, _version, number = _HEADER.unpack(raw)
    return number if magic == MAGIC else None


def newest_on_branch(warehouse: Warehouse, ledger: Ledger) -> Checkpoint | None:
    """Where to go on: of the followed claim, or of the claims it was restored from, the newest good one.

    A claim that never reached a checkpoint (its submission failed) leads to the one before it, as
    long as nothing of its own stands in between.
    """
    claims = ledger.claims()
    rulings = Rulings.of(ledger.decisions())
    at = followed(claims, rulings)
    while at is not None:
        own = of_submission(warehouse, ledger.job, at.submission)
        if own:
            return own[-1]
        at = _before(at, claims)
    return None


def _before(claim: Claim, claims: list[Claim]) -> Claim | None:
    """The claim whose checkpoint this one was restored from."""
    if claim.restored_from is None:
        return None
    for earlier in reversed([c for c in claims if c.number < claim.number]):
        if f"/{earlier.submission}/" in claim.restored_from:
            return earlier
    return None
