"""The shape of the code: how long modules and functions are, and how many branches a function has.

Branches are counted with loops, handlers, conditional expressions, comprehensions and boolean operators;
ruff's own count leaves some of these out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[1] / "headrace"
MODULES = sorted(p for p in ROOT.rglob("*.py") if "templates" not in p.parts)
BRANCHES = (ast.If, ast.For, ast.While, ast.IfExp, ast.ExceptHandler, ast.Assert, ast.match_case)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Shape:
    """One function."""

    name: str
    branches: int
    lines: int


def _branches(node: ast.AST) -> int:
    """Branches in a function or a part of it, without functions and classes inside it."""
    own = isinstance(node, BRANCHES) or 0
    if isinstance(node, ast.BoolOp):
        own = len(node.values) - 1
    if isinstance(node, ast.comprehension):
        own = 1 + len(node.ifs)
    inner = (n for n in ast.iter_child_nodes(node) if not isinstance(n, (Function, ast.ClassDef)))
    return int(own) + sum(map(_branches, inner))


def _lines(function: Function) -> int:
    """Lines of a function's body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def _shapes(module: Path, source: str) -> Iterator[Shape]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            where = f"{module.relative_to(ROOT)}:{node.lineno} {node.name}"
            yield Shape(where, 1 + _branches(node), _lines(node))


@pytest.fixture(scope="module")
def shapes() -> list[Shape]:
    found = chain.from_iterable(_shapes(m, m.read_text()) for m in MODULES)
    return sorted(found, key=lambda shape: shape.branches)


def test_no_module_is_too_long() -> None:
    lengths = {str(m.relative_to(ROOT)): len(m.read_text().splitlines()) for m in MODULES}

    assert {name: n for name, n in lengths.items() if n > 350} == {}


def test_no_function_has_too_many_branches(shapes: list[Shape]) -> None:
    assert [s for s in shapes if s.branches > 15] == []


def test_most_functions_have_few_branches_and_are_short(shapes: list[Shape]) -> None:
    assert shapes[int(len(shapes) * 0.95)].branches <= 8
    assert median(s.lines for s in shapes) <= 8


@pytest.mark.parametrize(
    ("body", "branches"),
    [
        ("pass", 1),
        ("return a if b else c", 2),
        ("return [x for x in y if x if z]", 4),
        ("return a and b or c", 3),
        ("for x in y:\n  if x: pass\n  elif z: pass", 4),
        ("try: pass\nexcept (A, B): pass", 2),
        ("def g():\n  if x: pass", 1),
    ],
)
def test_branches_are_counted_as_documented(body: str, branches: int) -> None:
    source = "def f():\n" + "\n".join(f" {line}" for line in body.splitlines())

    assert next(_shapes(ROOT / "x.py", source)).branches == branches
