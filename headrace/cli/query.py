"""``headrace query``: SQL over the published tables of this project."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.options import At, utc
from headrace.cli.output import Format, Output, emit
from headrace.cli.pages.query import rows_table
from headrace.operate.query import query_tables


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("query")(query)


def query(
    ctx: typer.Context,
    sql: Annotated[
        str,
        typer.Argument(
            metavar="SQL", help="One SELECT, in DataFusion SQL; tables are named by their contract's id."
        ),
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
    result = query_tables(workspace_of(ctx), sql, version=version, at=utc(at))
    # Rows can be read once: only one of the two forms is made.
    document = result.to_json() if output is Format.json else None
    emit(document, output, lambda: rows_table(result.columns, result.rows))
