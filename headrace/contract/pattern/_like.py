"""LIKE as Flink evaluates it: a search for fixed texts where possible, else a Java regular expression."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.contract.pattern._judgement import judge_tree
from headrace.contract.pattern.characters import ALL, DOT, only
from headrace.contract.pattern.tree import Node, One, Repeat, Sequence
from headrace.contract.typed import RefusalError


def judge_like(text: str, escape: str = "") -> None:
    """Return if Flink evaluates LIKE with this text in linear time.

    Raises:
        RefusalError: it does not.
    """
    if "_" not in text and not escape:
        return  # LikeCallGen compares constants, or searches for one after the other and never backtracks
    try:
        judge_tree(Sequence(tuple(_nodes(text, escape)), text))
    except RefusalError as e:
        remedy = "use one % at most before the last _, or pattern of the column"
        if escape:  # each % is then a repetition
            remedy = "use one % at most, or leave out ESCAPE"
        raise RefusalError(f"LIKE {text!r} becomes a regular expression: {e.what}", remedy) from None


def _nodes(text: str, escape: str) -> Iterator[Node]:
    characters = iter(text)
    for char in characters:
        if char == escape:
            plain = next(characters, "")
            if plain not in ("%", "_", escape) or not plain:
                raise RefusalError(f"{char!r} escapes neither %, _ nor itself", "write it twice")
            yield One(only(plain), plain)
        else:
            yield _node(char)


def _node(char: str) -> Node:
    if char == "%":
        return Repeat(One(ALL, "%"), 0, None, lazy=False, text="%")
    return One(DOT, "_") if char == "_" else One(only(char), char)
