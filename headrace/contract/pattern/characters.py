"""Sets of characters as in Java's regular expressions: code points, never halves of surrogate pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LAST = 0x10FFFF
FIRST_WIDE = 0x10000
"""From here on a character takes two of Java's ``char``, and Java counts in those."""


@dataclass(frozen=True)
class Characters:
    """Sorted ranges that are neither adjacent nor overlapping, both ends included."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, code: int) -> bool:
        return any(low <= code <= high for low, high in self.ranges)

    @property
    def is_single(self) -> bool:
        """Whether it is exactly one character."""
        return len(self.ranges) == 1 and self.ranges[0][0] == self.ranges[0][1]

    @property
    def of_two_widths(self) -> bool:
        """Whether some of them take one ``char`` in Java and others two."""
        return bool(self.ranges) and self.ranges[0][0] < FIRST_WIDE <= self.ranges[-1][1]


def characters(ranges: Iterable[tuple[int, int]]) -> Characters:
    """The union of those ranges."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return Characters(tuple(merged))


def only(text: str) -> Characters:
    """The characters of a text."""
    return characters((ord(c), ord(c)) for c in text)


def others(than: Characters) -> Characters:
    """All other characters."""
    free: list[tuple[int, int]] = []
    begin = 0
    for low, high in than.ranges:
        if begin < low:
            free.append((begin, low - 1))
        begin = high + 1
    return Characters((*free, *([(begin, LAST)] if begin <= LAST else [])))


ALL = Characters(((0, LAST),))
DOT = others(only("\n\r\u0085\u2028\u2029"))
"""Java's ``.``: ECMA-262 takes U+0085 too, Python all but the line feed."""

DIGITS = characters([(0x30, 0x39)])
SPACES = only(" \t\n\v\f\r")
WORD = characters([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
NAMED = {
    "d": DIGITS,
    "D": others(DIGITS),
    "s": SPACES,
    "S": others(SPACES),
    "w": WORD,
    "W": others(WORD),
}
"""ASCII only, as in Java without flags."""


def samples(sets: Iterable[Characters]) -> list[int]:
    """One character for each combination of these sets, including the combination of no set."""
    known = list(dict.fromkeys(sets))
    edges = sorted({0, *(e for s in known for low, high in s.ranges for e in (low, high + 1))})
    by_membership: dict[tuple[bool, ...], int] = {}
    for code in sorted((e for e in edges if e <= LAST), key=_unreadable):
        by_membership.setdefault(tuple(code in s for s in known), code)
    return list(by_membership.values())


def _unreadable(code: int) -> tuple[bool, int]:
    return not (code < LAST and chr(code).isprintable()), code
