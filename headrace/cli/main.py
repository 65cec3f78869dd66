"""The ``headrace`` command: one file per noun, each with ``register(app)``; errors are reported only here."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import typer

from headrace import log
from headrace.cli.output import Format, fail
from headrace.errors import HeadraceError, NeverPublishedError, NoTopicError

if TYPE_CHECKING:  # it imports modules that `check` does not need
    from headrace.operate import Workspace

NOUNS = {
    "init": "init",
    "new": "init",
    "check": "check",
    "plan": "plan",
    "run": "job",
    "stop": "job",
    "status": "job",
    "publish": "publish",
    "branch": "branch",
    "anchor": "anchor",
    "replay": "replay",
    "query": "query",
    "diff": "diff",
    "verify": "verify",
    "quarantine": "quarantine",
    "backfill": "backfill",
    "patch": "patch",
    "topic": "topic",
    "stack": "stack",
}
"""Each command and the file that holds it. Only the one in use is imported: `check` answers in a second."""


def main(arguments: Sequence[str] | None = None, workspace: Workspace | None = None) -> None:
    """Run one command and exit, as a program does: an error becomes its message and its exit code.

    Args:
        arguments: of the command, its name first; by default those of this process.
        workspace: what the command works with; by default that of this process's environment.

    Raises:
        SystemExit: always.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    log.configure()
    app = _app([NOUNS[a] for a in words[:1] if a in NOUNS] or list(dict.fromkeys(NOUNS.values())))
    try:
        app(words, obj=workspace)
    except HeadraceError as e:
        _complete_remedy(e, workspace)
        fail(e, Format.json if _asked_for_json(words) else Format.text)
        sys.exit(e.exit_code)


def _complete_remedy(error: HeadraceError, workspace: Workspace | None) -> None:
    """Name the command that helps where only the project's files can show which one it is."""
    # Most commands need none of this.
    if isinstance(error, NeverPublishedError):
        from headrace.operate.publish import how_to_publish  # noqa: PLC0415

        error.remedy = how_to_publish(error.table)
    if isinstance(error, NoTopicError):
        from headrace.cli.context import open_workspace  # noqa: PLC0415
        from headrace.operate.topic import how_to_create  # noqa: PLC0415

        error.remedy = how_to_create(open_workspace(workspace), error.topic) or error.remedy


def _app(nouns: Iterable[str]) -> typer.Typer:
    app = typer.Typer(
        name="headrace",
        help="Kafka topics into lake tables that people can trust: every record has exactly one home.\n\n"
        "Example: headrace status flights",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_headrace)
    for noun in nouns:
        importlib.import_module(f"headrace.cli.{noun}").register(app)
    return app


def _headrace() -> None:
    """Keep commands named even where only one is registered."""


def _asked_for_json(argv: list[str]) -> bool:
    return (
        "-ojson" in argv
        or "--output=json" in argv
        or any(a in ("-o", "--output") and b == "json" for a, b in itertools.pairwise(argv))
    )
