"""How every command prints its result: a table for people, one JSON document for machines."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from enum import Enum
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
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
"""Accepted forms of a time on the command line; all are UTC."""
At = Annotated[
    datetime | None,
    typer.Option(
        formats=TIMES,
        metavar="TIME",
        help="As it was then: 2026-11-26T09:00, UTC.",
    ),
]

UNBOUNDED = 100_000
"""A terminal width, in columns, that any table fits into."""

PROSE = 20
"""Characters that a line of text needs to be readable."""

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def emit(result: Any, fmt: Format, text: Callable[[], Any]) -> None:
    """Print ``result`` as one JSON document, or what ``text`` returns (a string or a rich table)."""
    if fmt is Format.json:
        sys.stdout.write(json.dumps(result, indent=2, default=str) + "\n")
    else:
        out.print(text(), markup=False)


def listing(*columns: str, numbers: Collection[str] = (), title: str | None = None) -> Table:
    """An empty table in the style of all commands: no lines, and numbers aligned by their digits."""
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
        title=title,
        title_justify="left",
        title_style="bold",
    )
    for name in columns:
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=True, overflow="fold")
    return table


def fitted(table: Table, *, spare: Sequence[str] = (), prose: str = "") -> RenderableType:
    """The table, fitted to the terminal's width; in full width if the output is not a terminal.

    Args:
        table: one of :func:`listing`.
        spare: columns that a narrow terminal can do without, the least important first.
        prose: the column whose cells may take several lines.

    If that is not enough, each row is printed as a list of fields: no id and no header is broken.
    """
    if not out.is_terminal:
        table.width = _width(table)
        return table
    for name in spare:
        if _width(table) <= out.width:
            break
        table = _without(table, name)
    if _width(table) <= out.width:
        return table
    if prose and _width(_without(table, prose)) + PROSE <= out.width:
        next(c for c in table.columns if c.header == prose).no_wrap = False
        return table
    return _upright(table)


def facts(lines: Mapping[str, str], indent: int = 16) -> Text:
    """``name  value``, one per line; on a terminal a long value wraps below itself, only between words."""
    return Text("\n".join(_fact(name, value, indent) for name, value in lines.items()))


def _fact(name: str, value: str, indent: int) -> str:
    below = f"\n{'':<{indent}}" if len(name) > indent else ""
    return f"{name:<{indent}}{below} {hanging(value, indent + 1)}"


def counted(number: int, noun: str) -> str:
    """``1 rule``, ``7 rules``, ``1,200 rules``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def moment(at: datetime | str | None, otherwise: str = "—") -> str:
    """A time to the second in ISO format, or ``otherwise`` if it is not known."""
    if at is None:
        return otherwise
    try:
        return (datetime.fromisoformat(at) if isinstance(at, str) else at).isoformat(timespec="seconds")
    except ValueError:  # a year of more than four digits, as :mod:`headrace.read.values` writes it
        return str(at)


def utc(moment: datetime | None) -> datetime | None:
    """A time given on the command line, in UTC."""
    return moment and moment.replace(tzinfo=timezone.utc)


def hanging(value: str, indent: int) -> str:
    """A value of one or more lines, each wrapped if it is too long for the terminal."""
    room = max(out.width - indent, PROSE) if out.is_terminal else UNBOUNDED
    lines = [
        part
        for line in value.splitlines()
        for part in textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False) or [""]
    ]
    return f"\n{'':<{indent}}".join(lines)


def _without(table: Table, name: str) -> Table:
    """The same table without one column."""
    kept = [c for c in table.columns if c.header != name]
    numbers = [str(c.header) for c in kept if c.justify == "right"]
    title = str(table.title) if table.title is not None else None
    fewer = listing(*(str(c.header) for c in kept), numbers=numbers, title=title)
    for row in zip(*(c.cells for c in kept), strict=True):
        fewer.add_row(*row)
    return fewer


def _width(table: Table) -> int:
    # Without markup, as `emit` prints it: else a cell like "groupBy=[origin]" is measured too short, and cut.
    return Measurement.get(out, out.options.update(max_width=UNBOUNDED, markup=False), table).maximum


def _upright(table: Table) -> Group:
    """One line ``name  value`` per column, a rule between rows, and the title before them."""
    names = [str(column.header) for column in table.columns]
    wide = max(map(len, names), default=0)
    titled = [Text(str(table.title), style="bold")] if table.title is not None else []
    lines: list[RenderableType] = []
    for row in zip(*(column.cells for column in table.columns), strict=True):
        lines += [Rule(style="dim")] if lines else []
        lines += [_upright_cell(f"{n:<{wide}}  ", _text(v)) for n, v in zip(names, row, strict=True)]
    return Group(*titled, *lines)


def _upright_cell(name: str, value: Text) -> Text:
    return Text(name).append(hanging(value.plain, len(name)) or value.plain, style=value.style)


def _text(cell: RenderableType) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))


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
