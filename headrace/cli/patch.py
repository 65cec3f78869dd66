"""``headrace patch``: what redrives, backfills and bounded replays have in common."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages import patch as pages
from headrace.cli.pages.diff import diff_tables
from headrace.operate import patch as patches

Job = Annotated[str, typer.Argument(metavar="JOB", help="The ingest job, as in jobs/JOB.py.")]
Number = Annotated[int, typer.Argument(metavar="PATCH", help="The patch, as `patch ls` numbers it.")]
Why = Annotated[str, typer.Option(help="The reason (required); recorded in the ledger.")]
Hold = Annotated[
    bool, typer.Option("--hold", help="Only judge the records and show what the result would be.")
]

JudgeTimeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0,
        help="How long the bounded job that judges the records may run; after that it is cancelled.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Redrives, backfills and bounded replays: what was requested, the result, and the rollback.\n\n"
        "Example: headrace patch ls flights",
        no_args_is_help=True,
    )
    for command in (ls, show, judge, diff, apply, rollback, abort):
        group.command()(command)
    app.add_typer(group, name="patch")


def ls(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """List the patches of a job, the newest first.

    Example: headrace patch ls flights
    """
    listed = patches.list_patches(workspace_of(ctx), job)
    emit([p.to_json() for p in listed], fmt, lambda: pages.table(listed))


def show(ctx: typer.Context, job: Job, patch: Number, fmt: Output = Format.text) -> None:
    """Describe a patch: what was requested, what its bounded job produced, and its state.

    Example: headrace patch show flights 1
    """
    report = patches.describe_patch(workspace_of(ctx), job, patch)
    emit(report.to_json(), fmt, lambda: pages.page(report))


def judge(
    ctx: typer.Context,
    job: Job,
    patch: Number,
    timeout: JudgeTimeout = patches.JUDGE_S,
    fmt: Output = Format.text,
) -> None:
    """Run the bounded job that judges a patch's records beside the live job; the tables are not touched.

    Example: headrace patch judge flights 1
    """
    with progress(f"judging the records of patch {patch}") as bar:
        report = patches.judge_patch(workspace_of(ctx), job, patch, within_s=timeout, progress=bar)
    emit(report.to_json(), fmt, lambda: pages.page(report))


def diff(
    ctx: typer.Context,
    job: Job,
    patch: Number,
    samples: Annotated[int, typer.Option(help="How many changed records to show.", min=0)] = 5,
    fmt: Output = Format.text,
) -> None:
    """Compare what the tables hold with what a judged patch would put there.

    Example: headrace patch diff flights 1
    """
    with progress("reading both sides") as bar:
        patch_diff = patches.diff_patch(workspace_of(ctx), job, patch, samples=samples, progress=bar)
    emit(patch_diff.to_json(), fmt, lambda: diff_tables(patch_diff.diff))


def apply(
    ctx: typer.Context,
    job: Job,
    patch: Number,
    timeout: JudgeTimeout = patches.JUDGE_S,
    fmt: Output = Format.text,
) -> None:
    """Publish a patch in one batch; it is judged first if it has not been. Safe to repeat.

    If none of its records would move into the tables, it is aborted instead, and the ledger records why.

    Example: headrace patch apply flights 1
    """
    with progress("publishing the rows") as bar:
        report = patches.apply_patch(workspace_of(ctx), job, patch, within_s=timeout, progress=bar)
    emit(report.to_json(), fmt, lambda: pages.page(report))


def rollback(ctx: typer.Context, job: Job, patch: Number, why: Why = "", fmt: Output = Format.text) -> None:
    """Roll a patch back: its rows are removed, and those that it removed are restored. Safe to repeat.

    Example: headrace patch rollback flights 1 --why "the repair was wrong"
    """
    with progress("swapping the old rows in") as bar:
        report = patches.roll_back_patch(workspace_of(ctx), job, patch, why, progress=bar)
    emit(report.to_json(), fmt, lambda: pages.page(report))


def abort(ctx: typer.Context, job: Job, patch: Number, why: Why = "", fmt: Output = Format.text) -> None:
    """Abort a patch that is not in the tables yet: it is never published. Safe to repeat.

    Example: headrace patch abort flights 1 --why "the wrong records"
    """
    report = patches.abort_patch(workspace_of(ctx), job, patch, why)
    emit(report.to_json(), fmt, lambda: pages.page(report))
