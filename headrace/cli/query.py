"""``headrace query``: SQL over the published tables of this project."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from headrace import project
from headrace.cli.context import workspace_of
from headrace.cli.output import At, Format, Output, counted, emit, fitted, listing, utc
from headrace.contract.load import examine
from headrace.errors import UsageError
from headrace.read.query import Answer, published_names, to_json, to_text
from headrace.read.query import query as run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROWS_SHOWN = 100


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("query")(query)


def query(
    ctx: typer.Context,
    sql: Annotated[
        str,
        typer.Argument(help="One SELECT, in DataFusion SQL; tables are named by their contract's id."),
    ],
    version: Annotated[
        int | None, typer.Option(min=0, help="This version of the table; the query must name exactly one.")
    ] = None,
    at: At = None,
    output: Output = Format.text,
) -> None:
    """Run one SELECT over published tables: each contract's table, NAME__quarantine or NAME__late beside it.

    The dialect is DataFusion SQL (https://datafusion.apache.org/user-guide/sql), close to PostgreSQL's. Names
    are case-sensitive.

    Text shows the first 100 rows, field by field if the terminal is too narrow; JSON lists all rows.

    Example: headrace query "SELECT carrier, count(*) AS n FROM flights GROUP BY carrier ORDER BY n DESC"
    """
    if version is not None and at is not None:
        raise UsageError("a version or a time, not both", remedy="leave out --version or --at")
    answer = run(workspace_of(ctx).warehouse, _names(), sql, version=version, moment=utc(at))
    if output is Format.json:
        emit(_objects(answer), output, str)
    else:
        emit(None, output, lambda: rows_table(answer.columns, answer.rows))


def _names() -> list[str]:
    """Every table that a query may name; a broken contract does not hide the tables of the others."""
    derived = {
        n
        for n in project.contract_names()
        if (c := examine(project.root() / "contracts" / f"{n}.odcs.yaml")[0]) and c.kind == "derive"
    }
    return published_names(sorted(set(project.contract_names()) - derived), sorted(derived))


def rows_table(columns: Sequence[str], rows: Any, more: str = "add LIMIT, or use -o json for all") -> Group:
    """The first rows as a table, and a note if there are more."""
    shown = list(islice(rows, ROWS_SHOWN + 1))
    names = [to_text(name) for name in columns]
    table = listing(*names, numbers=[n for i, n in enumerate(names) if _numeric(row[i] for row in shown)])
    for row in shown[:ROWS_SHOWN]:
        table.add_row(*(Text(to_text(value), style="dim" if value is None else "") for value in row))
    note = f"the first {ROWS_SHOWN} rows; {more}" if len(shown) > ROWS_SHOWN else counted(len(shown), "row")
    return Group(fitted(table), Text(note))


def _numeric(values: Iterable[Any]) -> bool:
    """Whether they are numbers or NULL, with at least one number."""
    known = [v for v in values if v is not None]
    return bool(known) and all(isinstance(v, int | float | Decimal) for v in known)


def _objects(answer: Answer) -> list[dict[str, Any]]:
    if twice := sorted({c for c in answer.columns if answer.columns.count(c) > 1}):
        raise UsageError(f"two columns are called {twice[0]}", remedy="give one of them another name with AS")
    return [{c: to_json(v) for c, v in zip(answer.columns, row, strict=True)} for row in answer.rows]
