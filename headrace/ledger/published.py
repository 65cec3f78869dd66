"""Which batch published a manifest, or was the newest at a time: found by bisection, since batches grow."""

from __future__ import annotations

from datetime import datetime

from headrace.errors import UsageError
from headrace.ledger.head import Head
from headrace.ledger.record_store import Cache, RecordStore
from headrace.ledger.records import BATCHES, DONE
from headrace.savepoint.metadata import checkpoint_of


class PublishedManifests:
    """The batches that published manifests. Batches never change, so each look covers only newer ones."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._answers: Cache[tuple[str, str], tuple[int, int | None]] = Cache()
        """Output and manifest → the newest batch at the last look, and the batch that holds the manifest."""

    def batch_of(self, output: str, manifest: str, head: Head | None = None) -> int | None:
        """The newest batch that published a manifest, or None; as of ``head``, or else of the newest batch.

        Checkpoints grow along a branch, and go back only where a replay was published.
        """
        newest = last = self._records.newest(DONE) if head is None else head.batch
        seen, known = self._answers.get((output, manifest)) or (0, None)
        if last <= seen:
            return known
        newer = None
        while last > seen and newer is None:
            since = self._records.required(DONE, last).since
            newer = self._within(max(since, seen + 1), last, output, manifest)
            last = since - 1
        batch = newer or known
        self._answers.keep((output, manifest), (newest, batch))
        return batch

    def _within(self, low: int, high: int, output: str, manifest: str) -> int | None:
        """The batch of a manifest, among some along which checkpoints grow."""
        checkpoint = checkpoint_of(manifest)
        while low <= high:
            middle = (low + high) // 2
            done = self._records.required(DONE, middle)
            first, last = done.checkpoints
            if first <= checkpoint <= last:
                return middle if manifest in done.manifests[output] else None
            low, high = (low, middle - 1) if checkpoint < first else (middle + 1, high)
        return None


def requested_batch(records: RecordStore, batch: int | None, moment: datetime | None) -> int | None:
    """The published batch that a user named, by its number or a time; None if by neither.

    Raises:
        UsageError: it does not exist, or both are given.
    """
    newest, where = records.newest(DONE), f"{records.warehouse.uri}/{records.folder}"
    if batch is not None and moment is not None:
        raise UsageError("a batch or a time, not both", remedy="leave out one of them")
    if batch is not None and batch > newest:
        raise UsageError(f"batch {batch} is not published", where=where, remedy=f"the newest is {newest}")
    if moment is None:
        return batch
    low, high = 0, newest  # their times grow with their numbers
    while low < high:
        middle = (low + high + 1) // 2
        at = datetime.fromisoformat(records.required(BATCHES, middle).at)
        low, high = (middle, high) if at <= moment else (low, middle - 1)
    if low == 0:
        raise UsageError(
            f"nothing was published by {moment.isoformat()}", where=where, remedy="choose a later moment"
        )
    return low
