"""Rules on one row: parsed, checked node by node against an allowlist, and rendered again as Flink SQL.

Text from a contract is never pasted into a statement. Whatever is not on the list is refused: with a clock or
a random number, a second run would produce different rows; a subquery or an aggregate sees more than one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot import Token, exp
from sqlglot.errors import SqlglotError

from headrace.contract.column_type import ColumnType
from headrace.contract.renderer import render_tree
from headrace.contract.typed import RefusalError

MAX_CHARACTERS = 2000


def render(text: str, columns: Mapping[str, ColumnType]) -> str:
    """A rule as Flink SQL over quoted columns: boolean, NULL where the answer is unknown.

    Raises:
        RefusalError: it is not one repeatable condition on one row.
    """
    try:
        tree = _parse(text)
        rendered = render_tree(tree, columns)
    except RecursionError:
        raise RefusalError("the rule is nested too deeply", "split it into several rules") from None
    if rendered.kind != "boolean":
        raise RefusalError(
            f"the rule is not a condition: its type is {rendered.kind}", "compare it with something"
        )
    if not tree.find(exp.Column):
        raise RefusalError("the rule names no column", "it would hold for every row or for none: remove it")
    return rendered.sql


def _parse(text: str) -> exp.Expression:
    if len(text) > MAX_CHARACTERS:
        raise RefusalError(f"the rule has over {MAX_CHARACTERS} characters", "split it into several rules")
    try:
        tokens = sqlglot.tokenize(text)
        _check_tokens(tokens)
        trees = sqlglot.parse(text) if tokens else []
    except SqlglotError as e:
        detail: dict[str, Any] = next(iter(getattr(e, "errors", ())), {})
        near = f" near {detail['highlight']!r}" if detail.get("highlight") else ""
        raise RefusalError(
            f"the rule is not SQL: syntax error{near}", "write a condition, as in distance > 0"
        ) from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Expression):
        raise RefusalError("the rule is empty", "write a condition, as in distance > 0")
    return trees[0]


def _check_tokens(tokens: Sequence[Token]) -> None:
    if any(t.comments for t in tokens):
        raise RefusalError("comments are not allowed", "write it as the rule's description")
    if any(t.token_type.name == "SEMICOLON" for t in tokens):
        raise RefusalError("a semicolon is not allowed", "a rule is one condition")
