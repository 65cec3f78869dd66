"""``headrace check``: contracts and job declarations, checked offline."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli.output import Format, Output, emit
from headrace.cli.pages import check as pages
from headrace.operate.check import check_project


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Contracts or jobs; all of them by default."),
    ] = None,
    fmt: Output = Format.text,
) -> None:
    """Check contracts and jobs without a network, a cluster or a JVM. Exit code 1 if one has errors.

    Example: headrace check flights -o json
    """
    files = check_project(names or [])
    emit([f.to_json() for f in files], fmt, lambda: pages.table(files))
    if not all(f.ok for f in files):
        raise typer.Exit(1)
