"""One way for every command to answer: a table for people, one JSON document for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from enum import Enum
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from headrace.errors import HeadraceError


class Format(str, Enum):
    """How a command prints its result."""

    text = "text"
    json = "json"


Output = Annotated[Format, typer.Option("--output", "-o", help="text for people, json for machines.")]

TIMES = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]
"""How a time of the command line may be written; all are UTC."""
At = Annotated[
    datetime | None,
    typer.Option(
        formats=TIMES,
        metavar="TIME",
        help="As it was then: 2026-11-26T09:00, UTC.",
    ),
]

UNBOUNDED = 100_000
"""Columns of a terminal that no table is too wide for."""

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def emit(result: Any, fmt: Format, text: Callable[[], Any]) -> None:
    """Print ``result`` as one JSON document, or what ``text`` returns (a string or a rich table)."""
    if fmt is Format.json:
        sys.stdout.write(json.dumps(result, indent=2, default=str) + "\n")
    else:
        out.print(text(), markup=False)


def unsqueezed(table: Table) -> Table:
    """The table with nothing cut: in its full width off a terminal, on one with its cells folded."""
    for column in table.columns:
        column.overflow = "fold"
    if not out.is_terminal:
        table.width = _width(table)
    return table


def fitted(table: Table) -> RenderableType:
    """The table; on a terminal too narrow for it each row upright, so that ids stay in one piece."""
    if out.is_terminal and _width(table) > out.width:
        return _upright(table)
    return unsqueezed(table)


def counted(number: int, noun: str) -> str:
    """``1 rule``, ``7 rules``, ``1,200 rules``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def moment(at: datetime | str | None, otherwise: str = "—") -> str:
    """A time to the second, in ISO's form; what stands in for one that is not known."""
    if at is None:
        return otherwise
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).isoformat(timespec="seconds")


def utc(moment: datetime | None) -> datetime | None:
    """A time of the command line: it is in UTC."""
    return moment and moment.replace(tzinfo=timezone.utc)


def _width(table: Table) -> int:
    return Measurement.get(out, out.options.update(max_width=UNBOUNDED), table).maximum


def _upright(table: Table) -> Group:
    """One line ``name  value`` a column, and a rule between two rows."""
    names = [str(column.header) for column in table.columns]
    wide = max(map(len, names), default=0)
    lines: list[RenderableType] = []
    for row in zip(*(column.cells for column in table.columns), strict=True):
        lines += [Rule(style="dim")] if lines else []
        lines += [Text(f"{n:<{wide}}  ").append(_text(v)) for n, v in zip(names, row, strict=True)]
    return Group(*lines)


def _text(cell: RenderableType) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))


def fail(error: HeadraceError, fmt: Format) -> None:
    """Print an error where errors belong; JSON when the command was asked for JSON."""
    if fmt is Format.json:
        sys.stderr.write(json.dumps(error.to_json(), default=str) + "\n")
    else:
        err.print(f"error: {error}", markup=False, style="red")


@contextmanager
def progress(what: str, total: float | None = None) -> Iterator[Callable[..., None]]:
    """A progress bar on a terminal, silence off it; yields ``update(completed=…, total=…, what=…)``."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
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
