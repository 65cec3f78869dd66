"""docs/glossary.md against the code: each word has an owner that exists, and one definition."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
JAVA = ROOT / "jvm" / "src" / "main" / "java"
WORDS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in (ROOT / "docs" / "glossary.md").read_text().splitlines()
    if line.startswith("|")
][2:]
OWNERS = sorted({row[-1].strip("`") for row in WORDS})


def _definitions(module: Path) -> dict[str, bool]:
    """Name → whether it is a class or function, for each top-level name that a module defines."""
    names: dict[str, bool] = {}
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names[node.name] = True
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {t.id: False for t in targets if isinstance(t, ast.Name)}
    return names


DEFINITIONS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): _definitions(path)
    for path in sorted((ROOT / "headrace").rglob("*.py"))
    if "templates" not in path.parts
}


def _homes(name: str, *, alias: bool) -> list[str]:
    """Modules that define a name; aliases count only where the owner is one."""
    return [m for m, names in DEFINITIONS.items() if names.get(name) or (alias and name in names)]


def test_each_word_stands_once_with_its_meaning_and_owner() -> None:
    assert len(WORDS) > 60
    assert all(len(row) == 3 and all(row) for row in WORDS)
    assert len({row[0] for row in WORDS}) == len(WORDS)


@pytest.mark.parametrize("owner", OWNERS)
def test_each_owner_exists_and_is_defined_once(owner: str) -> None:
    assert re.fullmatch(r"headrace(\.\w+)+", owner)
    if owner in DEFINITIONS or JAVA.joinpath(*owner.split(".")).with_suffix(".java").is_file():
        return
    module, _, name = owner.rpartition(".")
    alias = DEFINITIONS.get(module, {}).get(name) is False
    assert _homes(name, alias=alias) == [module]
