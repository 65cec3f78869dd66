"""Runs the command that a refusal names, in the state that caused the refusal."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from headrace.cli.main import main
from headrace.operate import Workspace
from tests.cli.mentioned_commands import Mention
from tests.cli.typed import VALUE, without_prose

FILLED_IN = {"TEXT": "reason", "N": "1", "DECISION": "1", "JOB": "events"}
"""What a reader writes for the words in capitals."""


def key(named: Mention) -> str:
    """A mention without its line: the file, and the command."""
    return f"{named.where.partition(':')[0].removeprefix('headrace/')}: {without_prose(named.words)}"


@dataclass(frozen=True)
class Terminal:
    """The command line, in this process."""

    captured: pytest.CaptureFixture[str]
    workspace: Workspace | None = None

    def type(self, line: str) -> tuple[int, str]:
        """Run a command; returns its exit code and its output."""
        self.captured.readouterr()
        try:
            with pytest.raises(SystemExit) as exited:
                main(shlex.split(line), self.workspace)
        finally:
            structlog.reset_defaults()  # else later tests would log into this one's captured streams
        output = self.captured.readouterr()
        return int(exited.value.code or 0), output.out + output.err

    def refused(self, line: str) -> str:
        """Run a command that must fail; returns its output."""
        code, output = self.type(line)
        assert code, f"{line} is not refused: {output}"
        return output

    def follow(self, message: str, remedy: str, exits: int = 0) -> str:
        """Type the command that a message names, as it is printed there; returns its output.

        Args:
            message: the message.
            remedy: the file whose message it is, and the command, as in :func:`key`.
            exits: the exit code of a command that only shows something an operator must see.
        """
        command = named_in(message, remedy.partition(": ")[2])
        code, answer = self.type(command)
        assert code == exits, f"{command} exits {code}: {answer}"
        return answer


def followed_in(tests: Path) -> set[str]:
    """The remedies that the tests of a module follow."""
    text = tests.read_text()
    calls = (n for n in ast.walk(ast.parse(text if ".follow(" in text else "")) if isinstance(n, ast.Call))
    given = (c.args[1] for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "follow")
    return {str(remedy.value) for remedy in given if isinstance(remedy, ast.Constant)}


def named_in(message: str, command: str, filled_in: Mapping[str, str] = FILLED_IN) -> str:
    """The command as the refusal spells it, with its placeholders filled in."""
    text = " ".join(message.split())
    match = re.search(_spelled(command, r"[^\s`;]+"), text) or re.search(_spelled(command, "[^`;]+?"), text)
    assert match, f"{message} does not name {command}"
    return " ".join(filled_in.get(w, w) for w in match[0].rstrip(",.:").split()[1:])


def _spelled(command: str, value: str) -> str:
    """The pattern of a command, in which a message has filled in values; most are one word."""
    *words, last = map(re.escape, command.split())
    more = r"[^`;]*" if last.strip(VALUE) else r"[^\s`;,)]+"  # glued to an option: more of them, or nothing
    ends = last.replace(VALUE, more) + (r'[^"]*"' if command.count('"') % 2 else "")
    return " ".join(["headrace", *(w.replace(VALUE, value) for w in words), ends])
