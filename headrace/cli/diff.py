"""``headrace diff``: what has changed in a job's tables from one batch to another."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from headrace.cli.compared import compared
from headrace.cli.context import workspace_of
from headrace.cli.output import TIMES, Format, Output, emit, progress, utc
from headrace.errors import UsageError
from headrace.job.assemble import named
from headrace.job.job_file import existing
from headrace.ledger.records import DONE
from headrace.replay.diff import between


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(diff)


def diff(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")],
    from_batch: Annotated[
        int | None, typer.Option(min=1, help="From the tables that this batch left.")
    ] = None,
    from_time: Annotated[
        datetime | None,
        typer.Option(
            formats=TIMES, metavar="TIME", help="From them as they were then: 2026-11-26T09:00, UTC."
        ),
    ] = None,
    to_batch: Annotated[int | None, typer.Option(min=1, help="To those that this batch left.")] = None,
    to: Annotated[
        datetime | None,
        typer.Option(formats=TIMES, metavar="TIME", help="To them as they were then, UTC; else as they are."),
    ] = None,
    samples: Annotated[int, typer.Option(min=0, help="Show so many changed records.")] = 5,
    fmt: Output = Format.text,
) -> None:
    """Compare a job's published tables as they were with as they are, or with another time.

    Rows of an ingest job record by record: which came, went, moved between a table and its quarantine, or
    have other values. Those of a derive job by their key. Files that both sides hold are counted as the same,
    and not read: partitions tell only of the others. Contract versions are no difference.

    Example: headrace diff flights --from-time 2026-11-26T09:00
    """
    existing(job)
    ledger = workspace_of(ctx).ledger(job)
    first = ledger.batch_asked(from_batch, utc(from_time))
    last = ledger.batch_asked(to_batch, utc(to)) or ledger.newest(DONE)
    if first is None:
        raise UsageError("compare with what?", remedy="give --from-batch N or --from-time TIME")
    if last < first:
        raise UsageError(f"batch {last} comes before batch {first}", remedy="begin with the older one")
    with progress("comparing rows"):
        found = between(ledger, named(job), first, last, samples)
    told = Text(f"batch {first} → batch {last}")
    emit(
        {"job": job, "from": first, "to": last, **found.to_json()},
        fmt,
        lambda: Group(told, compared(found)),
    )
