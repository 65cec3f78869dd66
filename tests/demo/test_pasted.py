"""Pasting the README's tour would show a step that fails, shows nothing, or eats what comes after it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.stack.pasted import Pasted, commands, paste

BLOCK = """
echo one                              # a comment
eval "$(echo word=two)"
echo "$word"
echo three
"""
ASKED = ["echo one", 'eval "$(echo word=two)"', 'echo "$word"', "echo three"]


def pasted(where: Path, *lines: str) -> Pasted:
    return paste("\n".join(lines), os.environ, where)


def test_a_block_that_is_right(tmp_path: Path) -> None:
    assert commands(BLOCK) == ASKED
    found = pasted(tmp_path, BLOCK)
    assert [command for command, _ in found.shown] == ASKED
    assert [text for _, text in found.shown] == ["one", "", "two", "three"]
    assert (found.failed(), found.silent()) == ([], [])


@pytest.mark.parametrize("wrong", ["false", "cat nowhere", "echo said && false"])
def test_a_command_that_fails_is_named_and_the_shell_goes_on(tmp_path: Path, wrong: str) -> None:
    found = pasted(tmp_path, wrong, "echo three")
    assert len(found.failed()) == 1
    assert found.shown[-1] == ("echo three", "three")


def test_a_command_that_shows_nothing_is_named(tmp_path: Path) -> None:
    assert pasted(tmp_path, "echo one", "true", "echo three").silent() == ["true"]


def test_a_command_that_reads_what_is_pasted_loses_the_rest(tmp_path: Path) -> None:
    found = pasted(tmp_path, "echo one", "cat > /dev/null", "echo three")
    assert [command for command, _ in found.shown] == ["echo one", "cat > /dev/null"]
