"""The tree of a pattern, and how large it is for Java."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from headrace.contract.pattern.characters import Characters


@dataclass(frozen=True)
class One:
    """One character out of a set."""

    chars: Characters
    text: str
    """As written in the pattern, here and in the other nodes."""


@dataclass(frozen=True)
class Edge:
    """``^`` or ``$``: consumes no character."""

    text: str


@dataclass(frozen=True)
class Look:
    """A lookahead or lookbehind: consumes no character."""

    body: Node
    text: str


@dataclass(frozen=True)
class Group:
    """Parentheses."""

    body: Node
    text: str


@dataclass(frozen=True)
class Sequence:
    """One part after the other."""

    parts: tuple[Node, ...]
    text: str


@dataclass(frozen=True)
class Choice:
    """One of several."""

    branches: tuple[Node, ...]
    text: str


@dataclass(frozen=True)
class Repeat:
    """A part several times; ``most`` is None if it is unlimited."""

    body: Node
    least: int
    most: int | None
    lazy: bool
    text: str


Node = One | Edge | Look | Group | Sequence | Choice | Repeat


def longest(node: Node) -> int | None:
    """How many characters it consumes at most; None if that is unlimited."""
    match node:
        case One():
            return 1
        case Edge() | Look():
            return 0
        case Group():
            return longest(node.body)
        case Sequence():
            return _bounded(sum, map(longest, node.parts))
        case Choice():
            return _bounded(max, map(longest, node.branches))
        case Repeat():
            return _bounded(math.prod, (longest(node.body), node.most))


def shortest(node: Node) -> int:
    """How many characters it consumes at least."""
    match node:
        case One():
            return 1
        case Edge() | Look():
            return 0
        case Group():
            return shortest(node.body)
        case Sequence():
            return sum(map(shortest, node.parts))
        case Choice():
            return min(map(shortest, node.branches))
        case Repeat():
            return shortest(node.body) * node.least


def size(node: Node) -> int:
    """How many characters it has when every counted repetition is written out."""
    match node:
        case One():
            return 1
        case Edge() | Look():
            return 0
        case Group():
            return size(node.body)
        case Sequence():
            return sum(map(size, node.parts))
        case Choice():
            return sum(map(size, node.branches))
        case Repeat():
            copies = max(node.least, 1) if node.most is None else node.most
            return size(node.body) * copies


def depth(node: Node) -> int:
    """The maximum depth of Java's calls, whatever the input.

    Java calls the code of each part from inside the code of the part before it, so depths add up, and a group
    calls itself once per repetition.
    """
    match node:
        case One() | Edge():
            return 1
        case Look() | Group():
            return 2 + depth(node.body)
        case Sequence():
            return sum(map(depth, node.parts))
        case Choice():
            return 2 + max(map(depth, node.branches))
        case Repeat():
            return 2 + _depth_of_repetition(node)


def _depth_of_repetition(node: Repeat) -> int:
    """A repeated character is a loop; if its count is limited, each change of width is a call."""
    if not isinstance(node.body, One):
        return (depth(node.body) + 2) * (node.most or 1)
    widths_change = node.body.chars.of_two_widths and not node.lazy
    return node.most or 0 if widths_change else 0


def _bounded(combine: Callable[[list[int]], int], numbers: Iterable[int | None]) -> int | None:
    """The numbers combined; None if one of them is unlimited."""
    limits: list[int] = []
    for number in numbers:
        if number is None:
            return None
        limits.append(number)
    return combine(limits)
