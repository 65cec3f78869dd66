"""Rows of a query on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from rich.console import Group
from rich.text import Text

from headrace.cli.layout import fit_table, listing
from headrace.read.text import to_text
from headrace.text import counted

ROWS_SHOWN = 100


def rows_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Group:
    """The first rows as a table, and a note if there are more."""
    shown = list(islice(rows, ROWS_SHOWN + 1))
    names = [to_text(name) for name in columns]
    table = listing(*names, numbers=[n for i, n in enumerate(names) if _are_numbers(row[i] for row in shown)])
    for row in shown[:ROWS_SHOWN]:
        table.add_row(*(Text(to_text(value), style="dim" if value is None else "") for value in row))
    more = f"the first {ROWS_SHOWN} rows; add LIMIT, or use -o json for all"
    return Group(fit_table(table), Text(more if len(shown) > ROWS_SHOWN else counted(len(shown), "row")))


def _are_numbers(values: Iterable[Any]) -> bool:
    """Whether they are numbers or NULL, with at least one number."""
    known = [v for v in values if v is not None]
    return bool(known) and all(isinstance(v, int | float | Decimal) for v in known)
