"""A situation of a running job, the command that is typed, and the commands that its answer names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.cli.pipeline import Pipeline
from tests.cli.remedies import FILLED_IN, named_in


def _nothing(_pipeline: Pipeline) -> None:
    """Nothing happens."""


@dataclass(frozen=True)
class Situation:
    """A situation, and the remedies that one answer names."""

    remedies: tuple[str, ...]
    """The file whose message names it, and the command: typed one after the other."""
    prepare: Callable[[Pipeline], object]
    line: str
    """The command that is typed; its words in braces are filled in from the state."""
    shows: bool = False
    """The commands only show what an operator must see, or are the next step, not a way out."""
    complains: bool = False
    """The remedies exit with an error too, because they find something wrong."""
    message: str = ""
    """Where the command is not refused: what it prints, and no longer prints afterwards."""
    meanwhile: Callable[[Pipeline], object] = _nothing
    """What happens between the answer and the remedy."""

    def __str__(self) -> str:
        return f"{', '.join(self.remedies)} — {self.line}"


def helps(situation: Situation, pipeline: Pipeline) -> None:
    """Create the situation, type the command, and then the commands that its answer names.

    Raises:
        AssertionError: they do not help.
    """
    terminal = pipeline.terminal
    situation.prepare(pipeline)
    line = situation.line.format(**pipeline.filled_in)
    code, output = terminal.type(line)
    assert code or situation.shows or situation.message, f"{line} is not refused"
    words = FILLED_IN | pipeline.filled_in
    commands = [named_in(output, remedy.partition(": ")[2], words) for remedy in situation.remedies]
    situation.meanwhile(pipeline)

    for command in commands:
        helped, complaint = terminal.type(command)
        assert bool(helped) == situation.complains, f"{command}: {complaint}"

    if not situation.shows:
        refusal = situation.message or " ".join(output.partition("→")[0].split())
        assert refusal in " ".join(output.split())
        again, answer = terminal.type(line)
        assert refusal not in " ".join(answer.split())
        assert again == 0, answer
