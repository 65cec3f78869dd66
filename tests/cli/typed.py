"""Checks whether a command that a message names could be typed, against the real command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import typer.main

from headrace import project
from headrace.cli.main import NOUNS, _app

NEEDS_WHY = {
    *(("replay", verb) for verb in ("plan", "abort", "rollback")),
    *(("patch", verb) for verb in ("rollback", "abort")),
    *(("branch", verb) for verb in ("set-aside", "adopt", "restart")),
    *(("quarantine", verb) for verb in ("redrive", "discard")),
    ("backfill",),
}
"""Commands that require a reason."""
BEGINS = {"--from", "--from-offsets", "--from-time"}
"""`replay plan` needs one of these."""
VALUE = "\N{WHITE SQUARE}"
"""Stands for what an f-string fills in."""
EXAMPLES = ("flights", "jobmanager", "taskmanager-1")
APP: Any = typer.main.get_command(_app(dict.fromkeys(NOUNS.values())))
COMMAND = re.compile(r"\bheadrace ([^\n`;)]+)")


def in_source(words: tuple[str, ...]) -> str:
    """What is wrong with a command as the source has it, filled in or not; empty if nothing is."""
    return _problem(list(words), _filled_in)


def as_printed(text: str) -> list[str]:
    """What is wrong with the commands that a printed message names; an unknown job is wrong too."""
    remedies = [line for line in text.splitlines() if line.strip().startswith("→ ")]
    mentions = [m[1] for line in remedies for m in COMMAND.finditer(line)]
    commands = [words for words in mentions if words.split()[0] in APP.commands]
    return [f"{words}: {p}" for words in commands if (p := _problem(words.split(), lambda _word: True))]


def _problem(rest: list[str], is_value: Callable[[str], bool]) -> str:
    command, path = APP, list[str]()
    while known := getattr(command, "commands", None):
        word = _bare(rest.pop(0)) if rest else ""
        if word not in known and path == ["anchor"]:
            rest, word = [word, *rest], "take"
        if VALUE in word:
            return ""  # each of several verbs, which are all spelled out where it is filled in
        if word not in known:
            return f"there is no command {' '.join([*path, word])}"
        command, path = known[word], [*path, word]
    return _problem_of_arguments(command, tuple(path), rest, is_value)


def _problem_of_arguments(
    command: Any, path: tuple[str, ...], words: list[str], is_value: Callable[[str], bool]
) -> str:
    options = {n: p for p in command.params for n in (*p.opts, *p.secondary_opts) if n.startswith("-")}
    wanted = [p.metavar or p.name for p in command.params if p.param_type_name == "argument" and p.required]
    options_used = set[str]()
    while words and (words[0].startswith("-") or (wanted and is_value(words[0]))):
        word = _bare(words.pop(0))
        if not word.startswith("-"):
            if wanted.pop(0) == "JOB" and not _may_be_a_job(word):
                return f"there is no job {word}"
        elif (name := word.partition(VALUE)[0]) not in options:
            return f"{' '.join(path)} has no option {name}"
        else:
            options_used.add(name)
            if not options[name].is_flag and not (words and is_value(words.pop(0))):
                return f"{name} has no value"
    return f"{' '.join(path)} needs {wanted[0].upper()}" if wanted else _missing_option(path, options_used)


def _missing_option(path: tuple[str, ...], options_used: set[str]) -> str:
    if path in NEEDS_WHY and "--why" not in options_used:
        return f"{' '.join(path)} needs --why"
    if path == ("replay", "plan") and not options_used & BEGINS:
        return f"replay plan needs one of {', '.join(sorted(BEGINS))}"
    return ""


def _may_be_a_job(word: str) -> bool:
    return VALUE in word or word.isupper() or word in (*project.job_names(), *EXAMPLES)


def _bare(word: str) -> str:
    """The word without what prose puts after it."""
    return word.rstrip(",.:'")


def _filled_in(word: str) -> bool:
    """Filled in by the message, or a name in capitals that the reader fills in, or an example's."""
    bare = _bare(word)
    return VALUE in bare or bare[:1] in '0123456789"…' or bare.isupper() or bare in EXAMPLES


def without_prose(words: tuple[str, ...]) -> str:
    """The command that a mention begins with."""
    rest = list(words)
    _problem(rest, _filled_in)
    verbs = {verb for group in APP.commands.values() for verb in getattr(group, "commands", ())}
    while rest and (VALUE in rest[0] or rest[0] in verbs or rest[0].startswith("-") or rest[0].isupper()):
        rest.pop(0)  # after a verb or an option that is filled in
    return _bare(" ".join(words[: len(words) - len(rest)]))
