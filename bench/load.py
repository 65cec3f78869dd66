"""A steady load of flights with known content: a position determines the record that must be there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from demo.flights import events
from headrace.cluster import kafka

BROKEN_EVERY = 1_000
"""One record of so many is no JSON."""
PACE_S = 0.05

Offsets = dict[int, int]
"""By partition."""


class Sequence:
    """Flights in order, repeatedly; every so often a record that is not JSON.

    The record with number k, from 1 on, goes to partition k modulo their number, in this order.
    """

    def __init__(self, partitions: int, flights: list[bytes]) -> None:
        self.partitions = partitions
        self._flights = flights
        self._distance = np.array([json.loads(f)["distance"] for f in flights], np.int64)

    def record(self, k: int) -> bytes:
        """The record with number k."""
        return self._flights[(k - k // BROKEN_EVERY - 1) % len(self._flights)] if k % BROKEN_EVERY else b"{"

    def end(self, partition: int, sent: int) -> int:
        """The offset after the partition's last record once this many were sent."""
        return (sent + (self.partitions - partition if partition else 0)) // self.partitions

    def distances(self, partition: int, first: int, end: int) -> npt.NDArray[np.int64]:
        """The distances in the records at these offsets; 0 for a record that is not JSON."""
        k = (np.arange(first, end) + (partition == 0)) * self.partitions + partition
        flight = (k - k // BROKEN_EVERY - 1) % len(self._flights)
        return np.where(k % BROKEN_EVERY != 0, self._distance[flight], 0)


class Load:
    """Sends a sequence at a steady rate until it is stopped."""

    def __init__(self, bootstrap: str, topic: str, partitions: int, rate: float) -> None:
        self.sequence = Sequence(partitions, list(events()))
        self._rate = rate
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._sent: Future[int] = self._pool.submit(kafka.produce, bootstrap, topic, self._paced())

    def stop(self) -> int:
        """End the load, and return how many records were sent, once all are acknowledged."""
        self._ended.set()
        self._pool.shutdown()
        return self._sent.result()

    def _paced(self) -> Iterator[kafka.Message]:
        began, number = time.monotonic(), 0
        while not self._ended.wait(PACE_S):
            due = int((time.monotonic() - began) * self._rate)
            for k in range(number + 1, due + 1):
                yield kafka.Message(self.sequence.record(k))
            number = due


def by_partition(offsets: Mapping[str, int]) -> Offsets:
    """Offsets as a command's JSON has them."""
    return {int(p): o for p, o in offsets.items()}
