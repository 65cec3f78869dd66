"""``headrace backfill``: rows from files, for data that Kafka no longer has."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages import patch as pages
from headrace.cli.patch import Hold, JudgeTimeout, Why
from headrace.operate.backfill import backfill_files
from headrace.operate.patch import JUDGE_S


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(backfill)


def backfill(
    ctx: typer.Context,
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="The contract's id.")],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…",
            help="JSON lines (*.jsonl, *.json, also .gz) or *.parquet: s3://bucket/key, everything"
            " under s3://bucket/prefix/, or a local file.",
        ),
    ],
    why: Why = "",
    hold: Hold = False,
    timeout: JudgeTimeout = JUDGE_S,
    fmt: Output = Format.text,
) -> None:
    """Judge the rows of files by a contract, and publish them in its tables in one batch.

    If no row would come into a table, the patch is aborted, and the ledger records why.

    A row is identified by its file and its place in it: _partition is the file's number, negative, and
    _offset is the row's, from 0; `verify` counts them in the files. The same bytes are never backfilled
    twice. Safe to interrupt: `headrace patch ls` lists what was started, `headrace patch apply` continues.

    Example: headrace backfill flights s3://partner/2013-02.jsonl --why "their exporter was down for a day"
    """
    with progress("reading the files") as bar:
        report = backfill_files(
            workspace_of(ctx), contract, files, why, hold=hold, within_s=timeout, progress=bar
        )
    emit(report.to_json(), fmt, lambda: pages.page(report))
