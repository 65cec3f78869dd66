"""A reader that queries a table repeatedly while it is replayed, with what it saw each time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from bench.load import Offsets, Sequence
from headrace.read.query import query
from headrace.storage.warehouse import Warehouse

PAUSE_S = 2.0


@dataclass(frozen=True)
class Seen:
    """One partition in one version of the table, from where the wrong rule began."""

    partition: int
    rows: int
    last: int
    """The greatest offset."""
    short: int
    """Rows of distances that the wrong rule refuses."""


@dataclass(frozen=True)
class Verdicts:
    """How many reads gave each result, see :func:`judged`; each read is of one version."""

    wrong: int
    right: int
    mixed: int


class Reader:
    """Reads one table repeatedly, from the point where a rule began that refuses small distances."""

    def __init__(self, warehouse: Warehouse, table: str, first: Offsets, refused: int) -> None:
        self._warehouse, self._table, self._first, self._refused = warehouse, table, first, refused
        self._looks: list[list[Seen]] = []
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(1)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read while the block runs.

        Raises:
            HeadraceError: a read failed.
        """
        polling = self._pool.submit(self._poll)
        try:
            yield
        finally:
            self._ended.set()
            self._pool.shutdown()
        polling.result()

    def _poll(self) -> None:
        while not self._ended.wait(PAUSE_S):
            self._looks.append(self._look())

    def _look(self) -> list[Seen]:
        since = " OR ".join(f"(_partition = {p} AND _offset >= {o})" for p, o in self._first.items())
        counted = f"count(*), max(_offset), sum(CASE WHEN distance <= {self._refused} THEN 1 ELSE 0 END)"
        sql = f"SELECT _partition, {counted} FROM {self._table} WHERE {since} GROUP BY 1"  # noqa: S608
        found = query(self._warehouse, [self._table], sql)
        return [Seen(*row) for row in found.rows]

    def verdicts(self, sent: Sequence) -> Verdicts:
        """Compare every read with what was sent."""
        found = [judged(look, sent, self._first, self._refused) for look in self._looks if look]
        return Verdicts(*(found.count(way) for way in ("wrong", "right", "mixed")))


def judged(look: list[Seen], sent: Sequence, first: Offsets, refused: int) -> str:
    """The result of one read: the table by the ``wrong`` rule, by the ``right`` one, or ``mixed``.

    Up to the last row of a partition, all rows of one of the rules must be there and no other.
    """
    ways = set()
    for seen in look:
        distances = sent.distances(seen.partition, first[seen.partition], seen.last + 1)
        good, far = int((distances > 0).sum()), int((distances > refused).sum())
        ways.add({(far, 0): "wrong", (good, good - far): "right"}.get((seen.rows, seen.short), "mixed"))
    return ways.pop() if len(ways) == 1 else "mixed"
