"""Tables and lists of facts that fit the terminal: no id and no header is ever cut."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.measure import Measurement
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from headrace.cli import output

UNBOUNDED = 100_000
"""A terminal width, in columns, that any table fits into."""

PROSE = 20
"""Characters that a line of text needs to be readable."""


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


def fit_table(table: Table, *, spare: Sequence[str] = (), prose: str = "") -> RenderableType:
    """The table, fit_table to the terminal's width; in full width if the output is not a terminal.

    Args:
        table: one of :func:`listing`.
        spare: columns that a narrow terminal can do without, the least important first.
        prose: the column whose cells may take several lines.

    If that is not enough, each row is printed as a list of fields: no id and no header is broken.
    """
    if not output.out.is_terminal:
        table.width = _width(table)
        return table
    for name in spare:
        if _width(table) <= output.out.width:
            break
        table = _without(table, name)
    if _width(table) <= output.out.width:
        return table
    if prose and _width(_without(table, prose)) + PROSE <= output.out.width:
        next(c for c in table.columns if c.header == prose).no_wrap = False
        return table
    return _upright(table)


def facts(lines: Mapping[str, str], indent: int = 16) -> Text:
    """``name  value``, one per line; on a terminal a long value wraps below itself, only between words."""
    return Text("\n".join(_fact(name, value, indent) for name, value in lines.items()))


def _fact(name: str, value: str, indent: int) -> str:
    below = f"\n{'':<{indent}}" if len(name) > indent else ""
    return f"{name:<{indent}}{below} {hang_lines(value, indent + 1)}"


def moment(at: datetime | str | None, otherwise: str = "—") -> str:
    """A time to the second in ISO format, or ``otherwise`` if it is not known."""
    if at is None:
        return otherwise
    try:
        return (datetime.fromisoformat(at) if isinstance(at, str) else at).isoformat(timespec="seconds")
    except ValueError:  # a year of more than four digits, as :mod:`headrace.read.values` writes it
        return str(at)


def hang_lines(value: str, indent: int) -> str:
    """A value of one or more lines, each wrapped if it is too long for the terminal."""
    room = max(output.out.width - indent, PROSE) if output.out.is_terminal else UNBOUNDED
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
    return Measurement.get(
        output.out, output.out.options.update(max_width=UNBOUNDED, markup=False), table
    ).maximum


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
    return Text(name).append(hang_lines(value.plain, len(name)) or value.plain, style=value.style)


def _text(cell: RenderableType) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))
