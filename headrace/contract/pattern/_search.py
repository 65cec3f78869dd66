r"""A pattern that is looked for anywhere in a text, as REGEXP and its kin do in the SQL of a derive job.

Java tries the pattern at each place of the text. So it is judged behind ``[\s\S]*?``: the places where a
match may begin are then among the ways that are counted. A pattern that begins with ``^`` fails at once at
every other place, and one that ends in an endless repetition has matched when it gets there.
"""

from __future__ import annotations

from dataclasses import replace

from headrace.contract.pattern._judgement import MAX_CHARACTERS, judge_tree
from headrace.contract.pattern.characters import ALL
from headrace.contract.pattern.syntax import read
from headrace.contract.pattern.tree import Choice, Edge, Group, Node, One, Repeat, Sequence
from headrace.contract.typed import Refused

ANYWHERE = Repeat(One(ALL, r"[\s\S]"), 0, None, lazy=True, text="what stands before")
REMEDY = "begin it with ^ and say what stands before, as in ^[^0-9]*([0-9]+)"


def judge_search(text: str) -> None:
    """Return if Java looks for the pattern in linear time.

    Raises:
        Refused: it does not, or it is not a pattern of this language.
    """
    if len(text) > MAX_CHARACTERS:
        raise Refused(f"it has over {MAX_CHARACTERS} characters", "write a shorter one")
    found = _to_the_match(read(text))
    judge_tree(found)
    if not _anchored(found):
        try:
            judge_tree(Sequence((ANYWHERE, found), text))
        except Refused as e:
            raise Refused(e.what, REMEDY) from None


def _to_the_match(node: Node) -> Node:
    """Without an endless repetition at the end: Java has a match when it gets there, and never goes back."""
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
    """Whether it begins with ``^`` on every way."""
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
