"""The numbered records of one job: written once under the next free number, and read once.

Numbers have no gaps, so the newest record is found with few requests however long the job lives. A numbered
record never changes, so it is kept in memory: repeated look-ups cost only what is new.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import Any, Generic, TypeVar

from headrace.errors import LedgerError
from headrace.ledger.records import Numbered, RecordKind, Stored
from headrace.ledger.records.record import misfit
from headrace.storage.warehouse import Warehouse

N = TypeVar("N", bound=Numbered)
K = TypeVar("K")
V = TypeVar("V")

KEPT = 10_000
"""Values that a cache keeps: a publisher that runs for months makes more batches."""


class Cache(Generic[K, V]):
    """Values by key; beyond ``most`` of them, the one that was kept first goes."""

    def __init__(self, most: int = KEPT) -> None:
        self.most = most
        self._values: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """The value of a key, or None."""
        return self._values.get(key)

    def keep(self, key: K, value: V) -> None:
        """Keep a value."""
        self._values[key] = value
        if len(self._values) > self.most:
            del self._values[next(iter(self._values))]


class RecordStore:
    """The numbered records below one folder, each kind in a folder of its own."""

    def __init__(self, warehouse: Warehouse, folder: str, kept: int = KEPT) -> None:
        self.warehouse, self.folder = warehouse, folder
        self._most = kept
        self._newest: dict[str, int] = {}
        self._caches: defaultdict[str, Cache[int, Stored[Any]]] = defaultdict(lambda: Cache(self._most))
        """By kind."""

    def remember_all(self) -> None:
        """Keep all records that are read, for a swap: it goes through every batch after its fork point.

        To read those again would take longer than the live job needs for its next batch.
        """
        self._most = sys.maxsize
        for cache in self._caches.values():
            cache.most = self._most

    def key(self, kind: str, number: int) -> str:
        """Where a record of a kind is stored."""
        return f"{self.folder}/{kind}/{number:010d}.json"

    def find(self, kind: RecordKind[N], number: int) -> Stored[N] | None:
        """The record of that kind and number with its hash, or None; always read.

        Raises:
            LedgerError: it does not fit its model, or has another number.
        """
        key = self.key(kind.folder, number)
        if (raw := self.warehouse.find(key)) is None:
            return None
        where = f"{self.warehouse.uri}/{key}"
        record = kind.read(raw, where)
        if record.number != number:
            raise misfit(kind.folder, [f"number: {record.number}, but its address has {number}"], where)
        return Stored.of(record, raw)

    def get(self, kind: RecordKind[N], number: int) -> N | None:
        """The record of that kind and number, or None; always read."""
        stored = self.find(kind, number)
        return stored.record if stored else None

    def stored(self, kind: RecordKind[N], number: int) -> Stored[N]:
        """A record that must be there, with its hash; read once.

        Raises:
            LedgerError: it is not, or does not fit its model.
        """
        cache = self._caches[kind.folder]
        stored = cache.get(number) or self.find(kind, number)
        if stored is None:
            raise LedgerError(
                "a record of the ledger is missing",
                where=f"{self.warehouse.uri}/{self.key(kind.folder, number)}",
                remedy="restore it from the bucket's versions; nothing may delete under _headrace",
            )
        cache.keep(number, stored)
        return stored

    def required(self, kind: RecordKind[N], number: int) -> N:
        """A record that must be there; read once.

        Raises:
            LedgerError: it is not, or does not fit its model.
        """
        return self.stored(kind, number).record

    def newest(self, kind: RecordKind[N]) -> int:
        """The highest number of that kind; 0 when there is none."""
        known = self._newest.get(kind.folder, 0)
        step = 1
        while self._exists(kind.folder, known + step):
            known, step = known + step, step * 2
        while step > 1:
            step //= 2
            if self._exists(kind.folder, known + step):
                known += step
        self._newest[kind.folder] = known
        return known

    def _exists(self, kind: str, number: int) -> bool:
        return self.warehouse.has(self.key(kind, number))

    def put(self, kind: RecordKind[N], number: int, record: N) -> bool:
        """Write a record under a number; False if the number is taken."""
        stamped = record.model_copy(update={"number": number})
        return self.warehouse.put_new(self.key(kind.folder, number), kind.write(stamped))

    def append(self, kind: RecordKind[N], record: N) -> int:
        """Write a record under the next free number of its kind, and return the number."""
        number = self.newest(kind) + 1
        while not self.put(kind, number, record):
            number += 1
        return number
