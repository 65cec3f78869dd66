"""Many small reads at once: manifests and footers are small, so reading them is waiting for the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

READERS = 16
"""Requests that wait side by side."""


def each(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """``work`` done for each item, many at once; results are in the order of the items."""
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(work, items))
