"""The commands that the package's messages name, as far as its source shows them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cli.typed import COMMAND, VALUE

ROOT = Path(__file__).parents[2]
PROSE = {"does", "job", "took"}
"""Words that follow the project's name where it is the subject of a sentence."""


@dataclass(frozen=True)
class Mention:
    """One mention of a command."""

    where: str
    words: tuple[str, ...]
    """What follows ``headrace``, up to the next punctuation; prose may follow the command."""

    def __str__(self) -> str:
        return f"{self.where}: headrace {' '.join(self.words)}"


def mentioned_commands() -> list[Mention]:
    """Every ``headrace …`` in the strings of the package, but not in docstrings or the examples of helps."""
    return [
        Mention(f"{path.relative_to(ROOT)}:{line}", tuple(mention[1].split()))
        for path in sorted((ROOT / "headrace").rglob("*.py"))
        for line, text in _texts(ast.parse(path.read_text()))
        for mention in COMMAND.finditer(text.partition("\n\nExample: ")[0])
        if mention[1].split()[0].rstrip(",") not in PROSE
    ]


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Strings and f-strings with their line; concatenated parts count as one."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        text = _text(node)
        if text is None:
            yield from _texts(node)
        else:
            yield node.lineno, text  # type: ignore[attr-defined]


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else VALUE for v in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_text(node.left), _text(node.right)]
        return None if parts == [None, None] else "".join(VALUE if p is None else p for p in parts)
    return None
