"""Which checkpoint or savepoint a new submission goes on from: the newest good one on the branch.

The state of each seal operator names the submission that sealed it, and Flink keeps such small state
inside ``_metadata``. So a savepoint tells whose it is, wherever it was put and whoever took it, and the
ledger tells whether that submission is on the branch. Only a checkpoint with its ``_metadata`` is good:
Flink writes that file last.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from headrace.lake.branch import Rulings, followed
from headrace.lake.ledger import Ledger
from headrace.lake.store import Warehouse
from headrace.ledger.records import Claim, checkpoint_of

MAGIC = 0x4960672D
"""First four bytes of Flink's checkpoint metadata (MetadataSerializers.HEADER_MAGIC_NUMBER)."""
_HEADER = struct.Struct(">iiq")
"""Magic, version, and Flink's own number of the checkpoint."""
_SEALED = re.compile(rb"headrace-sealed\|([a-z0-9_]+)\|([a-z0-9_]+)\|([0-9A-Za-z-]+)\|(\d{10}-[0-9a-f]{16})")


@dataclass(frozen=True, order=True)
class Checkpoint:
    """A restorable point of a submission: what a job that is restored from it goes on from."""

    number: int
    """As the branch counts, like the manifests."""
    path: str
    """Its address, as Flink takes it."""
    submission: str
    manifests: tuple[tuple[str, str], ...]
    """Per output, the manifest that the first one behind it will follow."""


def folder(job: str, submission: str) -> str:
    """The key under which a submission keeps its checkpoints."""
    return f"_flink/{job}/{submission}"


def savepoints(job: str) -> str:
    """The key under which `headrace stop` puts a job's savepoints."""
    return f"_flink/{job}/savepoints"


def of_submission(warehouse: Warehouse, job: str, submission: str) -> list[Checkpoint]:
    """All good checkpoints and savepoints of a submission, oldest first.

    Looks where headrace puts them, and where a cluster puts what ``flink stop`` was not told a place for.
    """
    found = []
    for place in (folder(job, submission), savepoints(job), "_flink/savepoints"):
        for key in warehouse.keys(f"{place}/"):
            if key.endswith("/_metadata"):
                checkpoint = read(warehouse, key)
                if checkpoint and checkpoint.submission == submission:
                    found.append(checkpoint)
    return sorted(found)


def read(warehouse: Warehouse, key: str) -> Checkpoint | None:
    """What a ``_metadata`` file tells; None if it is none, or no job of ours wrote it."""
    try:
        raw = warehouse.read(key)
    except FileNotFoundError:
        return None  # a live job retired this checkpoint after it was listed
    return parse(raw, f"{warehouse.uri}/{key.removesuffix('/_metadata')}")


def parse(raw: bytes, path: str) -> Checkpoint | None:
    """The same from the file's bytes and the address of its folder."""
    if len(raw) < _HEADER.size:
        return None
    magic, _, _ = _HEADER.unpack(raw[: _HEADER.size])
    sealed = {(m[2].decode(), m[3].decode(), m[4].decode()) for m in _SEALED.finditer(raw)}
    submissions = {submission for _, submission, _ in sealed}
    if magic != MAGIC or len(submissions) != 1:
        return None
    return Checkpoint(
        number=max(checkpoint_of(manifest) for _, _, manifest in sealed),
        path=path,
        submission=submissions.pop(),
        manifests=tuple(sorted((output, manifest) for output, _, manifest in sealed)),
    )


def flink_number(raw: bytes) -> int:
    """The number that Flink gave the checkpoint: a branch may count from elsewhere."""
    return int(_HEADER.unpack(raw[: _HEADER.size])[2])


def newest_of(warehouse: Warehouse, job: str, submissions: Iterable[str]) -> Checkpoint | None:
    """The newest good checkpoint of the last of these submissions that has one."""
    for submission in reversed(list(submissions)):
        if own := of_submission(warehouse, job, submission):
            return own[-1]
    return None


def newest_on_branch(warehouse: Warehouse, ledger: Ledger) -> Checkpoint | None:
    """Where to go on: of the followed claim, or of the claims it was restored from, the newest good one.

    A claim that never reached a checkpoint (its submission failed) leads to the one before it, as
    long as nothing of its own stands in between. Where a person ruled that the job restarts at the
    frontier, what was claimed before that is left alone.
    """
    claims = ledger.claims()
    rulings = Rulings.of(ledger.decisions())
    at = followed(claims, rulings)
    while at is not None and at.number > rulings.restarted_behind:
        own = of_submission(warehouse, ledger.job, at.submission)
        if own:
            return own[-1]
        at = _before(warehouse, at, claims)
    return None


def _before(warehouse: Warehouse, claim: Claim, claims: list[Claim]) -> Claim | None:
    """The claim whose checkpoint this one was restored from."""
    if claim.restored_from is None:
        return None
    key = claim.restored_from.removeprefix(f"{warehouse.uri}/").rstrip("/") + "/_metadata"
    restored = read(warehouse, key)
    for earlier in reversed([c for c in claims if c.number < claim.number]):
        its_folder = f"/{earlier.submission}/" in claim.restored_from
        if its_folder or (restored and restored.submission == earlier.submission):
            return earlier
    return None
