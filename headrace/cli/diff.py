"""``headrace diff``: what changed in a job's tables from one batch to another."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from headrace.cli.context import workspace_of
from headrace.cli.options import TIMES, utc
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages.diff import diff_tables
from headrace.errors import UsageError
from headrace.operate.diff import Side, diff_batches


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(diff)


def diff(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")],
    from_batch: Annotated[
        int | None, typer.Option(min=1, help="From the tables as this batch left them.")
    ] = None,
    from_time: Annotated[
        datetime | None,
        typer.Option(
            formats=TIMES, metavar="TIME", help="From the tables as they were then: 2026-11-26T09:00, UTC."
        ),
    ] = None,
    to_batch: Annotated[
        int | None, typer.Option(min=1, help="To the tables as this batch left them.")
    ] = None,
    to: Annotated[
        datetime | None,
        typer.Option(
            formats=TIMES,
            metavar="TIME",
            help="To the tables as they were then, UTC; by default as they are now.",
        ),
    ] = None,
    samples: Annotated[int, typer.Option(min=0, help="Show this many changed records.")] = 5,
    fmt: Output = Format.text,
) -> None:
    """Compare a job's published tables at an earlier time with the tables now, or at another time.

    Rows of an ingest job are compared record by record: which came, went, moved between a table and its
    quarantine, or have other values. Those of a derive job are compared by their key. Files that both sides
    hold are counted as the same and not read: the partitions show only the others. A different contract
    version alone is not a difference.

    Example: headrace diff flights --from-time 2026-11-26T09:00
    """
    begin, end = _side(from_batch, utc(from_time)), _side(to_batch, utc(to))
    if begin is None:
        raise UsageError("nothing to compare with", remedy="give --from-batch N or --from-time TIME")
    with progress("comparing rows") as bar:
        batch_diff = diff_batches(workspace_of(ctx), job, begin, end, samples=samples, progress=bar)
    sides = Text(f"batch {batch_diff.first} → batch {batch_diff.last}")
    emit(batch_diff.to_json(), fmt, lambda: Group(sides, diff_tables(batch_diff.diff)))


def _side(batch: int | None, moment: datetime | None) -> Side | None:
    """One side of the comparison, by the option that names it."""
    if batch is not None and moment is not None:
        raise UsageError("a batch or a time, not both", remedy="leave out one of them")
    return moment if batch is None else batch
