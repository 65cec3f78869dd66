"""What is so beside a running job, what is asked then, and the commands that the answer names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.cli.pipeline import Pipeline
from tests.cli.remedies import FILLED_IN, named_in


def _nothing(_pipeline: Pipeline) -> None:
    """Nothing happens."""


@dataclass(frozen=True)
class Situation:
    """Of one answer."""

    remedies: tuple[str, ...]
    """The file whose message names it, and the command: typed one after the other."""
    prepare: Callable[[Pipeline], object]
    asked: str
    """Its words in braces are what the state has filled in."""
    shows: bool = False
    """The commands only show what a person must see, or are the next step, not a way out."""
    found: bool = False
    """The command says by its exit code, too, that it found something wrong."""
    told: str = ""
    """Where what is asked is not refused: what it says, and says no more afterwards."""
    meanwhile: Callable[[Pipeline], object] = _nothing
    """What happens by itself between the answer and the remedy."""

    def __str__(self) -> str:
        return f"{', '.join(self.remedies)} — {self.asked}"


def helps(situation: Situation, pipeline: Pipeline) -> None:
    """Come into it, ask, and type what the answer names.

    Raises:
        AssertionError: that does not help.
    """
    terminal = pipeline.terminal
    situation.prepare(pipeline)
    asked = situation.asked.format(**pipeline.filled_in)
    code, said = terminal.type(asked)
    assert code or situation.shows or situation.told, f"{asked} is not refused"
    words = FILLED_IN | pipeline.filled_in
    commands = [named_in(said, remedy.partition(": ")[2], words) for remedy in situation.remedies]
    situation.meanwhile(pipeline)

    for command in commands:
        helped, complaint = terminal.type(command)
        assert bool(helped) == situation.found, f"{command}: {complaint}"

    if not situation.shows:
        refusal = situation.told or " ".join(said.partition("→")[0].split())
        assert refusal in " ".join(said.split())
        again, answer = terminal.type(asked)
        assert refusal not in " ".join(answer.split())
        assert again == 0, answer
