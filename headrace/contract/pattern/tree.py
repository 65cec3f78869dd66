"""What a pattern consists of, and how large it is for Java."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.contract.pattern.characters import Characters


@dataclass(frozen=True)
class One:
    """One character out of a set."""

    chars: Characters
    text: str
    """As it is written; so for the others."""


@dataclass(frozen=True)
class Edge:
    """``^`` or ``$``: takes no character."""

    text: str


@dataclass(frozen=True)
class Look:
    """Looks ahead or back without taking what it sees."""

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
    """A part several times; ``most`` is None where nothing bounds it."""

    body: Node
    least: int
    most: int | None
    lazy: bool
    text: str


Node = One | Edge | Look | Group | Sequence | Choice | Repeat


def longest(node: Node) -> int | None:
    """How many characters it takes at most; None where nothing bounds it."""
    match node:
        case One():
            return 1
        case Edge() | Look():
            return 0
        case Group():
            return longest(node.body)
        case Sequence():
            return _total([longest(p) for p in node.parts])
        case Choice():
            found = [longest(b) for b in node.branches]
            return None if None in found else max(n for n in found if n is not None)
        case Repeat():
            inside = longest(node.body)
            return None if inside is None or node.most is None else inside * node.most


def shortest(node: Node) -> int:
    """How many characters it takes at least."""
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
    """How many characters stand in it when every counted repetition is written out."""
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
    """How many of Java's methods are open at once at most; the input makes it no deeper.

    Java calls what follows from inside what comes before, so parts add up, and a group calls itself once a
    repetition.
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
    """A repeated character is a loop; where a count ends it, each change of width is a call."""
    if not isinstance(node.body, One):
        return (depth(node.body) + 2) * (node.most or 1)
    widths_change = node.body.chars.of_two_widths and not node.lazy
    return node.most or 0 if widths_change else 0


def _total(numbers: list[int | None]) -> int | None:
    return None if None in numbers else sum(n for n in numbers if n is not None)
