r"""Patterns that may match anywhere in a text, as with REGEXP in the SQL of a derive job.

Java tries the pattern at each position of the text. So it is judged with a prefix of ``[\s\S]*?``: the
positions where a match may begin are then among the ways that are counted. A pattern that begins with ``^``
fails at once at every other position, and one that ends in an unlimited repetition has matched when it gets
there.
"""

from __future__ import annotations

from dataclasses import replace

from headrace.contract.pattern._judgement import MAX_CHARACTERS, judge_tree
from headrace.contract.pattern.characters import ALL
from headrace.contract.pattern.syntax import read
from headrace.contract.pattern.tree import Choice, Edge, Group, Node, One, Repeat, Sequence
from headrace.contract.typed import RefusalError

ANYWHERE = Repeat(One(ALL, r"[\s\S]"), 0, None, lazy=True, text="the text before it")
REMEDY = "begin it with ^ and a pattern for the text before it, as in ^[^0-9]*([0-9]+)"


def judge_search(text: str) -> None:
    """Return if Java searches for the pattern in linear time.

    Raises:
        RefusalError: it does not, or the pattern is not in this language.
    """
    if len(text) > MAX_CHARACTERS:
        raise RefusalError(f"it has over {MAX_CHARACTERS} characters", "write a shorter one")
    relevant = _to_the_match(read(text))
    judge_tree(relevant)
    if not _anchored(relevant):
        try:
            judge_tree(Sequence((ANYWHERE, relevant), text))
        except RefusalError as e:
            raise RefusalError(e.what, REMEDY) from None


def _to_the_match(node: Node) -> Node:
    """The pattern without an unlimited repetition at its end: Java has a match there."""
    match node:
        case Repeat(body=One(), most=None, least=0 | 1):
            return node.body if node.least else Sequence((), "")
        case Group():
            return replace(node, body=_to_the_match(node.body))
        case Choice():
            return replace(node, branches=tuple(map(_to_the_match, node.branches)))
        case Sequence() if node.parts:
            return replace(node, parts=(*node.parts[:-1], _to_the_match(node.parts[-1])))
    return node


def _anchored(node: Node) -> bool:
    """Whether every alternative begins with ``^``."""
    match node:
        case Sequence():
            return bool(node.parts) and _anchored(node.parts[0])
        case Group():
            return _anchored(node.body)
        case Choice():
            return all(map(_anchored, node.branches))
        case Edge():
            return node.text == "^"
    return False
