"""The commands of a runbook, as a test runs them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

BOOKS = Path(__file__).parents[2] / "docs" / "runbooks"


def steps(name: str, part: int, words: Mapping[str, str]) -> list[list[str]]:
    """Arguments of each `headrace` command in the ``part``-th block that tests run, counted from 0.

    ``words`` are put in the place of the book's: the job's name, a number.
    """
    blocks = re.findall(r"<!-- runbook.*?```bash\n(.*?)```", (BOOKS / f"{name}.md").read_text(), re.DOTALL)
    lines = [shlex.split(line) for line in blocks[part].splitlines()]
    assert all(line[0] == "headrace" for line in lines), lines
    return [[words.get(word, word) for word in line[1:]] for line in lines]
