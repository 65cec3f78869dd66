"""Judges a pattern as a whole: its language, its depth on Java's stack, and its number of ways."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.contract.pattern.paths import prove
from headrace.contract.pattern.syntax import read
from headrace.contract.pattern.tree import (
    Choice,
    Edge,
    Group,
    Look,
    Node,
    One,
    Repeat,
    Sequence,
    depth,
    longest,
    shortest,
    size,
)
from headrace.contract.typed import RefusalError

MAX_CHARACTERS = 2000
MAX_SIZE = 5000
"""Characters of the pattern with every counted repetition written out."""
MAX_DEPTH = 1000
"""Java's nested calls: in the worst case, interpreted, they fill about a third of a thread's 1 MB."""
MAX_LOOK = 100
"""Characters that a lookahead or lookbehind may see: it is tried again at each position."""


def judge(text: str) -> None:
    """Return if Java matches the pattern in linear time.

    Raises:
        RefusalError: it does not, or the pattern is not in this language.
    """
    if len(text) > MAX_CHARACTERS:
        raise RefusalError(f"it has over {MAX_CHARACTERS} characters", "use a rule, or an enum")
    judge_tree(read(text))


def judge_tree(node: Node) -> None:
    """As :func:`judge`, for a parsed pattern."""
    for inner in _all(node):
        if isinstance(inner, Repeat):
            _judge_repeat(inner)
    if size(node) > MAX_SIZE:
        raise RefusalError(
            f"its counts come to over {MAX_SIZE:,} characters", "use maxLength to limit the length of a text"
        )
    for inner in _all(node):
        if isinstance(inner, Look):
            _judge_look(inner)
    prove(node)
    if depth(node) > MAX_DEPTH:
        raise RefusalError(
            f"Java may need over {MAX_DEPTH} nested calls for it, and its stack overflows",
            "write smaller counts, as in (…){0,20}, or maxLength to limit the length of a text",
        )


def _judge_repeat(node: Repeat) -> None:
    if not shortest(node.body):
        raise RefusalError(
            f"{node.text} repeats a part that may be empty",
            "let the inner part take at least one character, or remove one quantifier",
        )
    inside = _bare(node.body)
    if node.most is None and inside is not node.body:
        raise RefusalError(
            f"{node.text} repeats a group without limit: Java's stack overflows, in an endless restart loop",
            _without_group(node, inside),
        )
    if node.most is None and isinstance(inside, One) and inside.chars.of_two_widths and node.least > 1:
        lazy = "?" if node.lazy else ""
        raise RefusalError(
            f"{node.text} needs a nested call for each character outside the BMP: Java's stack overflows",
            f"write {inside.text}{{{node.least}}}{inside.text}*{lazy}",
        )


def _judge_look(node: Look) -> None:
    most = longest(node.body)
    if most is None or most > MAX_LOOK:
        raise RefusalError(
            f"{node.text} may scan more than {MAX_LOOK} characters at every position",
            "write a count, as in .{0,20}",
        )
    behind = node.text.startswith("(?<")
    if behind and (most != shortest(node.body) or any(isinstance(n, Repeat) for n in _all(node.body))):
        raise RefusalError(
            f"{node.text} looks back over texts of different lengths", "write it without a quantifier"
        )
    prove(node.body)


def _bare(node: Node) -> Node:
    while isinstance(node, Group):
        node = node.body
    return node


def _without_group(node: Repeat, inside: Node) -> str:
    """What to write instead: the same without the group, where that is simple."""
    sign = node.text.removeprefix(node.body.text)
    if isinstance(inside, One):
        return f"write {inside.text}{sign}"
    singles = [b.text for b in inside.branches if isinstance(b, One)] if isinstance(inside, Choice) else []
    if isinstance(inside, Choice) and len(singles) == len(inside.branches):
        members = [_member(text) for text in singles]
        if all(members):
            return f"write [{''.join(members)}]{sign}"
    return "write how often at most, as in (…){0,20}"


def _member(text: str) -> str:
    """One alternative as written inside ``[…]``; empty where that is not possible."""
    if text.startswith("[") and not text.startswith("[^") and "-]" not in text and "[-" not in text:
        return text[1:-1]
    if text in "^-]&":
        return f"\\{text}"
    return "" if text == "." or text.startswith("[") else text


def _all(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Look() | Group() | Repeat():
            yield from _all(node.body)
        case Sequence():
            for part in node.parts:
                yield from _all(part)
        case Choice():
            for branch in node.branches:
                yield from _all(branch)
        case One() | Edge():
            pass
