"""A block of commands, pasted into a shell as a reader pastes it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STEP, FAILED = "@@ step: ", "@@ failed: "
WATCHED = (f"trap 'echo \"{FAILED}$BASH_COMMAND\"' ERR", f"trap 'echo \"{STEP}$BASH_COMMAND\"' DEBUG")


@dataclass(frozen=True)
class Pasted:
    """What the shell did with a block of commands."""

    output: str
    """Everything that the terminal showed."""
    shown: tuple[tuple[str, str], ...]
    """Each command of the block that was run, in order, and what it showed."""

    def failed(self) -> list[str]:
        """The commands that failed."""
        return [line.removeprefix(FAILED) for line in self.output.splitlines() if line.startswith(FAILED)]

    def silent(self) -> list[str]:
        """The commands that showed nothing, but for those that only set the shell up."""
        return [command for command, text in self.shown if not text and not command.startswith("eval ")]


def commands(block: str) -> list[str]:
    """The commands of a block, without its comments."""
    return [line.partition("  #")[0].strip() for line in block.splitlines() if line]


def paste(block: str, environment: Mapping[str, str], where: Path) -> Pasted:
    """Paste a block by standard input: a command that reads it too eats the rest, as in a terminal."""
    expected = commands(block)
    done = subprocess.run(
        ["bash"],
        input="\n".join([*WATCHED, block, ""]),
        env=environment,
        cwd=where,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    steps = [step.partition("\n") for step in done.stdout.split(STEP)[1:]]
    shown = ((command, text.strip()) for command, _, text in steps if command in expected)
    return Pasted(done.stdout, tuple(shown))
