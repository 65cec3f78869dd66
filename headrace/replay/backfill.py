"""Rows from files, for what Kafka no longer has: JSON lines or Parquet, through the same contract.

A row is identified by its file and its place in it. Each file gets a number of its own, and its rows the
negative of that number as their partition: so the same two columns tell a row from every record of the topic,
and from every other row. An absurd event time is judged against the file's modification time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from headrace import settings
from headrace.errors import UsageError
from headrace.job.program import Program
from headrace.job.ready import require_ready
from headrace.ledger import patches
from headrace.ledger.ledger import Ledger
from headrace.ledger.patch_history import PatchHistory
from headrace.ledger.patches import BACKFILL
from headrace.ledger.records import (
    BATCHES,
    FILES,
    CountedFile,
    Patch,
    PatchBatch,
    PatchRollbackBatch,
    SourceFile,
)
from headrace.ledger.stamp import now
from headrace.progress import Progress
from headrace.replay.documents import documents
from headrace.replay.payloads import Payload, PayloadFile, new_payload_file
from headrace.storage.external import Fetched, fetch, list_files

NAMED = 3
"""Files that are named where there is room for some."""
REPORT_EVERY = 20_000
"""Rows."""


def request_backfill(
    store: settings.Store,
    ledger: Ledger,
    program: Program,
    addresses: list[str],
    why: str,
    progress: Progress,
) -> Patch:
    """Copy the rows of the files into the warehouse, and record the request of a backfill.

    Raises:
        UsageError: a file is missing, is neither JSON lines nor Parquet, or was backfilled already.
        ClusterError: the object store does not answer.
    """
    judged_by = require_ready(ledger, program)
    with new_payload_file() as payloads:
        files = _copy_files(store, ledger, list_files(store, addresses), payloads, progress)
        if not payloads.rows:
            raise UsageError("the files have no rows", where=", ".join(addresses))
        key = payloads.store(ledger)
    request = Patch(
        kind=BACKFILL,
        origin=_origin(files),
        why=why,
        contract_version=program.contract.version,
        program=judged_by,
        records=payloads.rows,
        input=key,
        files=tuple(files),
    )
    return patches.record_patch(ledger, request)


def _origin(files: Sequence[CountedFile]) -> str:
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return ", ".join(f.address for f in files[:NAMED]) + more


def _copy_files(
    store: settings.Store,
    ledger: Ledger,
    addresses: Iterable[str],
    payloads: PayloadFile,
    progress: Progress,
) -> list[CountedFile]:
    """Give each file a number, and copy its rows; returns what the ledger keeps of each file."""
    history = PatchHistory(ledger)
    backfilled, files = _backfilled(history), list[CountedFile]()
    for address in addresses:
        with fetch(store, address) as copy:
            if any(f.sha256 == copy.sha256 for f in files):
                raise UsageError("another of these files holds the same bytes", where=address)
            if other := backfilled.get(copy.sha256):
                raise _already_backfilled(history, other, address)
            file = _record_file(ledger, copy)
            rows = payloads.write(_payloads(copy, file.number, progress))
        files.append(
            CountedFile(
                number=file.number,
                address=file.address,
                sha256=file.sha256,
                modified_ms=file.modified_ms,
                at=file.at,
                rows=rows,
            )
        )
    return files


def _record_file(ledger: Ledger, copy: Fetched) -> SourceFile:
    file = SourceFile(address=copy.address, sha256=copy.sha256, modified_ms=copy.modified_ms, at=now())
    return file.model_copy(update={"number": ledger.append(FILES, file)})


def _payloads(copy: Fetched, number: int, progress: Progress) -> Iterator[Payload]:
    """The rows of a file, with the positions that its number gives them."""
    for row, document in enumerate(documents(copy)):
        if row and row % REPORT_EVERY == 0:
            progress(completed=row, what=copy.address)
        yield Payload(document, copy.address, -number, row, copy.modified_ms)


def _backfilled(history: PatchHistory) -> dict[str, Patch]:
    """SHA-256 of each file that a backfill took rows from → that backfill; rolled back ones do not count."""
    return {
        f.sha256: p
        for p in patches.every(history.ledger)
        if p.kind == BACKFILL and history.state(p.number) not in ("rolled back", "aborted")
        for f in p.files
    }


def _already_backfilled(history: PatchHistory, other: Patch, address: str) -> UsageError:
    is_in = patches.batch_of(history.decisions, other.number)
    return UsageError(
        f"backfill {other.number} has taken the same bytes already, and is {history.state(other.number)}",
        where=address,
        remedy=f"headrace patch {'show' if is_in else 'apply'} {history.ledger.job} {other.number}",
    )


@dataclass(frozen=True)
class FileRows:
    """How many rows of files a batch holds."""

    counts: dict[int, int]
    """By the partition of the rows, which is negative."""
    unverified: tuple[str, ...] = ()
    """Files that are gone, or hold other bytes now: of these it is the ledger's count."""


def count_rows(store: settings.Store, ledger: Ledger, batch: int, progress: Progress) -> FileRows:
    """Count the rows of each file that a batch holds, in the file itself where it is unchanged."""
    files = _files_held(ledger, batch)
    counts, unverified = {}, list[str]()
    for file in files:
        progress(what=f"counting {file.address}")
        rows = _count_unchanged(store, file)
        counts[-file.number] = file.rows if rows is None else rows
        unverified += [file.address] if rows is None else []
    return FileRows(counts, tuple(unverified))


def _files_held(ledger: Ledger, batch: int) -> list[CountedFile]:
    """The files of backfills that are in the tables as a batch left them.

    That batch may be in the tables although its publisher died before it wrote the decision.
    """
    moves = [(d.patch, d.rolls_back) for d in patches.publications(ledger.decisions()) if d.batch <= batch]
    last = ledger.get(BATCHES, batch)
    if isinstance(last, PatchBatch):
        moves.append((last.patch, None))
    elif isinstance(last, PatchRollbackBatch):
        moves.append((last.patch, last.rolls_back))
    held = {patch for patch, _ in moves} - {reversed_patch for _, reversed_patch in moves}
    return [f for p in patches.every(ledger) if p.kind == BACKFILL and p.number in held for f in p.files]


def _count_unchanged(store: settings.Store, file: CountedFile) -> int | None:
    """The rows of a file; None if it is gone, or holds other bytes than those that were taken."""
    with contextlib.suppress(UsageError), fetch(store, file.address) as copy:
        if copy.sha256 == file.sha256:
            return sum(1 for _ in documents(copy))
    return None
