"""One byte for each offset of a partition: who has seen it, and how often. 100 million offsets are 100 MB.

Marks can be made in any order and in any portions, and offsets far apart cost one chunk each, so neither
the order of files nor a nonsensical offset in a table matters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from headrace.offsets import OffsetArray

if TYPE_CHECKING:
    from collections.abc import Iterator

States = npt.NDArray[np.bool_]

DATA, DATA_AGAIN, QUARANTINE, QUARANTINE_AGAIN, TOPIC = 1, 2, 4, 8, 16
CHUNK_BITS = 16
CHUNK = 1 << CHUNK_BITS

_STATE = np.arange(32, dtype=np.uint8)
IN_TOPIC: States = (_STATE & TOPIC) != 0
AT_HOME: States = (_STATE & (DATA | QUARANTINE)) != 0
TWICE_IN_DATA: States = (_STATE & DATA_AGAIN) != 0
TWICE_IN_QUARANTINE: States = (_STATE & QUARANTINE_AGAIN) != 0
IN_BOTH: States = (_STATE & (DATA | QUARANTINE)) == (DATA | QUARANTINE)
DOUBLED: States = TWICE_IN_DATA | TWICE_IN_QUARANTINE | IN_BOTH
MISSING: States = IN_TOPIC & ~AT_HOME
PHANTOM: States = AT_HOME & ~IN_TOPIC


@dataclass(frozen=True, order=True)
class Range:
    """Offsets ``first`` to ``last`` of one partition, both included."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@dataclass
class Marks:
    """The marks of one partition."""

    chunks: dict[int, npt.NDArray[np.uint8]] = field(default_factory=dict)

    def mark(self, offsets: OffsetArray, once: int, again: int = 0) -> None:
        """Mark each offset as seen ``once``; also as ``again`` if seen before, or twice just now."""
        ordered = np.sort(offsets)
        numbers = ordered >> CHUNK_BITS
        cuts = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
        for part in np.split(ordered, cuts):
            if len(part):
                self._mark_chunk(part, once, again)

    def _mark_chunk(self, ordered: OffsetArray, once: int, again: int) -> None:
        cells = self.chunks.setdefault(int(ordered[0] >> CHUNK_BITS), np.zeros(CHUNK, np.uint8))
        places = ordered & (CHUNK - 1)
        if again:
            cells[places[(cells[places] & once) != 0]] |= again
            cells[places[1:][places[1:] == places[:-1]]] |= again
        cells[places] |= once

    def match(self, offsets: OffsetArray, states: States) -> States:
        """For each offset, whether its mark is one of ``states``."""
        mask = np.zeros(len(offsets), np.bool_)
        numbers = offsets >> CHUNK_BITS
        for number in np.unique(numbers):
            if (cells := self.chunks.get(int(number))) is not None:
                here = numbers == number
                mask[here] = states[cells[offsets[here] & (CHUNK - 1)]]
        return mask

    def spans(self, states: States, first: int | None = None, last: int | None = None) -> list[Range]:
        """Where the marks are one of ``states``, as ranges, between ``first`` and ``last`` (included)."""
        ranges: list[Range] = []
        for base, hits in self._windows(states, first, last):
            runs = to_spans(np.flatnonzero(hits) + base)
            if ranges and runs and ranges[-1].last + 1 == runs[0].first:
                runs[0] = Range(ranges.pop().first, runs[0].last)
            ranges += runs
        return ranges

    def count(self, states: States, first: int | None = None, last: int | None = None) -> int:
        """How many offsets have one of those states."""
        return sum(int(np.count_nonzero(hits)) for _, hits in self._windows(states, first, last))

    def lowest(self, states: States) -> int | None:
        """The first offset with one of those states."""
        return next((base + int(hits.argmax()) for base, hits in self._windows(states) if hits.any()), None)

    def highest(self, states: States) -> int | None:
        """The last offset with one of those states."""
        highest = None
        for base, hits in self._windows(states):
            if hits.any():
                highest = base + len(hits) - 1 - int(hits[::-1].argmax())
        return highest

    def _windows(
        self, states: States, first: int | None = None, last: int | None = None
    ) -> Iterator[tuple[int, States]]:
        """The chunks in order, cut to the bounds: the offset at which each begins, and which cells match."""
        for number in sorted(self.chunks):
            base = number << CHUNK_BITS
            low = 0 if first is None else min(max(first - base, 0), CHUNK)
            high = CHUNK if last is None else min(max(last + 1 - base, 0), CHUNK)
            if low < high:
                yield base + low, states[self.chunks[number][low:high]]


def to_spans(offsets: OffsetArray) -> list[Range]:
    """Sorted distinct offsets as ranges."""
    if not len(offsets):
        return []
    cuts = np.flatnonzero(np.diff(offsets) != 1)
    firsts = offsets[np.concatenate(([0], cuts + 1))].tolist()
    lasts = offsets[np.concatenate((cuts, [len(offsets) - 1]))].tolist()
    return [Range(a, b) for a, b in zip(firsts, lasts, strict=True)]


def without(spans: list[Range], taken: list[Range]) -> list[Range]:
    """What is left of ``spans`` when ``taken`` is cut out of them; both in any order."""
    left = sorted(spans)
    for cut in sorted(taken):
        left = [
            Range(first, last)
            for span in left
            for first, last in (
                (span.first, min(span.last, cut.first - 1)),
                (max(span.first, cut.last + 1), span.last),
            )
            if first <= last
        ]
    return left


def gaps(spans: list[Range], last: int) -> list[Range]:
    """The offsets between the ranges, and those after the last of them up to ``last`` (included)."""
    between = [Range(a.last + 1, b.first - 1) for a, b in pairwise(spans)]
    if spans and spans[-1].last < last:
        between.append(Range(spans[-1].last + 1, last))
    return between
