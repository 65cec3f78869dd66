"""The ``headrace`` command: one file a noun, each with ``register(app)``; errors leave only here."""

from __future__ import annotations

import importlib
import itertools
import sys

import typer

from headrace import log
from headrace.cli.output import Format, err, fail
from headrace.errors import HeadraceError

NOUNS = {
    "check": "check",
    "plan": "plan",
    "run": "job",
    "stop": "job",
    "status": "job",
    "publish": "publish",
    "branch": "branch",
    "query": "query",
    "verify": "verify",
    "quarantine": "quarantine",
    "topic": "topic",
    "stack": "stack",
}
"""Each command and the file that holds it. Only the asked one is imported: `check` answers in a second."""

app = typer.Typer(
    name="headrace",
    help="Kafka topics into lake tables that people can trust: every record has exactly one home.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run one command; a :class:`HeadraceError` becomes its message and its exit code."""
    log.configure()
    asked = [NOUNS[a] for a in sys.argv[1:2] if a in NOUNS]
    for noun in asked or dict.fromkeys(NOUNS.values()):
        importlib.import_module(f"headrace.cli.{noun}").register(app)
    fmt = Format.json if _asked_for_json(sys.argv) else Format.text
    try:
        app()
    except HeadraceError as e:
        fail(e, fmt)
        sys.exit(e.exit_code)
    except KeyboardInterrupt:
        err.print("interrupted; every step can be repeated")
        sys.exit(130)


@app.callback()
def _headrace() -> None:
    """Keep commands named even where only one is registered."""


def _asked_for_json(argv: list[str]) -> bool:
    return (
        "-ojson" in argv
        or "--output=json" in argv
        or any(a in ("-o", "--output") and b == "json" for a, b in itertools.pairwise(argv))
    )
