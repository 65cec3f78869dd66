"""``headrace patch``: what redrives, backfills and bounded replays have in common, up to their undo."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli.compared import compared
from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages import patch as pages
from headrace.operate import patch as patches

Job = Annotated[str, typer.Argument(metavar="JOB", help="The ingest job, as in jobs/JOB.py.")]
Number = Annotated[int, typer.Argument(metavar="PATCH", help="The patch, as `patch ls` numbers it.")]
Why = Annotated[str, typer.Option(help="Why; goes into the ledger.")]
Hold = Annotated[bool, typer.Option("--hold", help="Only judge the records and show what would come of it.")]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Redrives, backfills and bounded replays: what was asked, what came of it, and the way back.",
        no_args_is_help=True,
    )
    for command in (ls, show, judge, diff, apply, undo, drop):
        group.command()(command)
    app.add_typer(group, name="patch")


def ls(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """List the patches of a job, the newest first.

    Example: headrace patch ls flights
    """
    listed = patches.list_patches(workspace_of(ctx), job)
    emit([p.to_json() for p in listed], fmt, lambda: pages.listed(listed))


def show(ctx: typer.Context, job: Job, patch: Number, fmt: Output = Format.text) -> None:
    """Describe a patch: what was asked, what its bounded job made of it, where it stands.

    Example: headrace patch show flights 1
    """
    report = patches.describe_patch(workspace_of(ctx), job, patch)
    emit(report.to_json(), fmt, lambda: pages.described(report))


def judge(ctx: typer.Context, job: Job, patch: Number, fmt: Output = Format.text) -> None:
    """Let the bounded job judge a patch's records beside the live job; the tables are not touched.

    Example: headrace patch judge flights 1
    """
    with progress(f"judging the records of patch {patch}") as tell:
        report = patches.judge_patch(workspace_of(ctx), job, patch, tell=tell)
    emit(report.to_json(), fmt, lambda: pages.described(report))


def diff(
    ctx: typer.Context,
    job: Job,
    patch: Number,
    samples: Annotated[int, typer.Option(help="How many changed records to show.", min=0)] = 5,
    fmt: Output = Format.text,
) -> None:
    """Compare what stands in the tables with what a judged patch would put there.

    Example: headrace patch diff flights 1
    """
    with progress("reading both sides") as tell:
        found = patches.diff_patch(workspace_of(ctx), job, patch, samples=samples, tell=tell)
    emit(found.to_json(), fmt, lambda: compared(found.diff))


def apply(ctx: typer.Context, job: Job, patch: Number, fmt: Output = Format.text) -> None:
    """Put a patch into the tables in one batch; it is judged first where it is not. Safe to repeat.

    Example: headrace patch apply flights 1
    """
    with progress("putting the rows in") as tell:
        report = patches.apply_patch(workspace_of(ctx), job, patch, tell=tell)
    emit(report.to_json(), fmt, lambda: pages.described(report))


def undo(ctx: typer.Context, job: Job, patch: Number, why: Why = "", fmt: Output = Format.text) -> None:
    """Take a patch back: its rows go out, and those that it took out come in again. Safe to repeat.

    Example: headrace patch undo flights 1 --why "the repair was wrong"
    """
    with progress("swapping the old rows in") as tell:
        report = patches.undo_patch(workspace_of(ctx), job, patch, why, tell=tell)
    emit(report.to_json(), fmt, lambda: pages.described(report))


def drop(ctx: typer.Context, job: Job, patch: Number, why: Why = "", fmt: Output = Format.text) -> None:
    """Give up a patch that is not in the tables yet.

    Example: headrace patch drop flights 1 --why "the wrong records"
    """
    report = patches.drop_patch(workspace_of(ctx), job, patch, why)
    emit(report.to_json(), fmt, lambda: pages.described(report))
