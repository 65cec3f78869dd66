"""What README and the runbooks quote in their tables of refusals is what the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs" / "runbooks").glob("*.md")))
VALUE = re.compile(r"\b(?:N|\d+(?:[.,]\d+)*)\b|…")
"""What stands for a value: in a quote, and in the text of the code, where placeholders become ``…``."""


def _normal(text: str) -> str:
    return VALUE.sub("…", text)


def _texts(module: Path) -> set[str]:
    """The strings of a module; an f-string with ``…`` in the place of each value."""
    texts: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(_normal(node.value))
        elif isinstance(node, ast.JoinedStr):
            parts = (v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
            texts.add(_normal("".join(map(str, parts))))
    return texts


SAID = frozenset[str]().union(*map(_texts, sorted((ROOT / "headrace").rglob("*.py"))))
QUOTES = sorted(
    {
        (page.relative_to(ROOT).as_posix(), quote)
        for page in PAGES
        for line in page.read_text().splitlines()
        if line.startswith("|")
        for quote in re.findall(r"(?<!\*)\*([^*|]+)\*(?!\*)", line.split("|")[1])
    }
)


@pytest.mark.parametrize(("page", "quote"), QUOTES)
def test_a_quote_occurs_in_the_code(page: str, quote: str) -> None:
    assert any(_normal(quote).strip("… ") in text for text in SAID), page
