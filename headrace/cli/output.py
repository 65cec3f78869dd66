"""How every command prints its result: a table for people, one JSON document for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from headrace.errors import HeadraceError


class Format(str, Enum):
    """How a command prints its result."""

    text = "text"
    json = "json"


Output = Annotated[Format, typer.Option("--output", "-o", help="text for people, json for machines.")]

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def emit(result: Any, fmt: Format, text: Callable[[], Any]) -> None:
    """Print ``result`` as one JSON document, or what ``text`` returns (a string or a rich table)."""
    if fmt is Format.json:
        sys.stdout.write(json.dumps(result, indent=2, default=str) + "\n")
    else:
        out.print(text(), markup=False)


def fail(error: HeadraceError, fmt: Format) -> None:
    """Print an error to stderr; as JSON if the command was asked for JSON."""
    if fmt is Format.json:
        sys.stderr.write(json.dumps(error.to_json(), default=str) + "\n")
    else:
        err.print(f"error: {error}", markup=False, style="red")


class _Counts(ProgressColumn):
    """How many are done, and of how many if that is known; nothing before the first."""

    def render(self, task: Task) -> Text:
        """Show it."""
        done = f"{task.completed:,.0f}" if task.completed or task.total else ""
        return Text(done + (f"/{task.total:,.0f}" if task.total else ""), style="progress.download")


@contextmanager
def progress(what: str, total: float | None = None) -> Iterator[Callable[..., None]]:
    """A progress bar on a terminal, otherwise nothing; yields ``update(completed=…, total=…, what=…)``."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        _Counts(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=total)

        def update(
            completed: float | None = None, total: float | None = None, what: str | None = None
        ) -> None:
            bar.update(task, completed=completed, total=total, description=what)

        yield update
