"""``headrace replay``: recompute from a place in the past beside the live job, then swap in one commit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.options import Timeout
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages import patch as patch_pages
from headrace.cli.pages import replay as pages
from headrace.cli.pages.diff import diff_tables
from headrace.cli.pages.diff_html import diff_page
from headrace.cli.places import FromOffsets, FromTime, ToOffsets, ToTime, places
from headrace.errors import UsageError
from headrace.operate import replay_plan, replay_run, replay_swap
from headrace.operate.start import START_S

Job = Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")]
Number = Annotated[int, typer.Argument(metavar="REPLAY", help="The replay, as `replay ls` numbers it.")]
Why = Annotated[str, typer.Option(help="The reason (required); recorded in the ledger.")]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Recompute from a place in the past beside the live job, compare, and swap in one commit.\n\n"
        'Example: headrace replay plan flights --from 1 --why "distance 0 was refused since yesterday"',
        no_args_is_help=True,
    )
    for command in (plan, run, diff, publish, rollback, abort, ls, show):
        group.command()(command)
    app.add_typer(group, name="replay")


def plan(
    ctx: typer.Context,
    job: Job,
    anchor: Annotated[
        int | None, typer.Option("--from", metavar="ANCHOR", help="Restore this anchor, including its state.")
    ] = None,
    offsets: FromOffsets = None,
    moment_: FromTime = None,
    to_offsets: ToOffsets = None,
    to: ToTime = None,
    why: Why = "",
    fmt: Output = Format.text,
) -> None:
    """Record what a replay is to do, and show it. Nothing runs, nothing published is touched.

    A replay with an end, which only ingest jobs can have, needs no fork: it is a patch, and continues with
    `headrace patch judge`, `diff` and `apply`.

    Example: headrace replay plan flights --from 1 --why "distance 0 was refused since yesterday"
    """
    begins, ends = places(offsets, moment_), places(to_offsets, to)
    if len(begins) + (anchor is not None) != 1:
        raise UsageError(
            "a replay begins at one place, not at several" if begins else "say where the replay begins",
            remedy="give one of --from ANCHOR, --from-offsets P:O,…, --from-time T",
        )
    workspace, doing = workspace_of(ctx), "reading what is published"
    if not ends:
        begin = begins[0] if anchor is None else anchor
        with progress(doing) as bar:
            report = replay_plan.plan_replay(workspace, job, begin, why, progress=bar)
        emit(report.to_json(), fmt, lambda: pages.page(report))
        return
    if not begins or len(ends) > 1:
        raise UsageError(
            "a replay with an end begins at offsets or a time, and has one end",
            remedy="give --from-offsets P:O,… or --from-time T, and --to-offsets P:O,… or --to T",
        )
    with progress(doing) as bar:
        patch = replay_plan.plan_bounded_replay(workspace, job, begins[0], ends[0], why, progress=bar)
    emit(patch.to_json(), fmt, lambda: patch_pages.page(patch))


def run(
    ctx: typer.Context,
    job: Job,
    replay: Number,
    wait: Annotated[bool, typer.Option(help="Follow until it has caught up with the branch.")] = True,
    within: Annotated[
        float, typer.Option(help="Follow for this many seconds at most.", min=0)
    ] = replay_run.FOLLOW_S,
    timeout: Timeout = START_S,
    fmt: Output = Format.text,
) -> None:
    """Start the fork beside the live job, and follow it until it has caught up. Safe to repeat.

    Example: headrace replay run flights 1
    """
    workspace = workspace_of(ctx)
    with progress(f"looking for the fork of {job}") as bar:
        at = replay_run.run_replay(
            workspace, job, replay, follow=wait, follow_s=within, start_s=timeout, progress=bar
        )
    emit(at.to_json(), fmt, lambda: pages.run_sentence(at))


def diff(
    ctx: typer.Context,
    job: Job,
    replay: Number,
    samples: Annotated[int, typer.Option(min=0, help="Show this many changed records.")] = 5,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write an HTML page to this file.")
    ] = None,
    fmt: Output = Format.text,
) -> None:
    """Compare the published rows after the fork point with those that the fork has written.

    Rows of an ingest job are compared record by record, those of a derive job by their key, as both sides are
    now. For a published replay: what it changed.

    Example: headrace replay diff flights 1 --html diff.html
    """
    with progress("comparing rows") as bar:
        replay_diff = replay_plan.diff_replay(workspace_of(ctx), job, replay, samples=samples, progress=bar)
    if html is not None:
        try:
            html.write_text(diff_page(job, replay_diff.replay, replay_diff.diff))
        except OSError as e:
            raise UsageError(f"the page cannot be written: {e.strerror}", where=str(html)) from e
    emit(replay_diff.to_json(), fmt, lambda: diff_tables(replay_diff.diff))


def publish(
    ctx: typer.Context,
    job: Job,
    replay: Number,
    within: Annotated[
        float, typer.Option(help="Seconds to wait for the fork's next checkpoints.", min=0)
    ] = replay_swap.SWAP_S,
    fmt: Output = Format.text,
) -> None:
    """Make the fork the branch: one batch swaps the files, then the old job is cancelled. Safe to repeat.

    Readers see each table either as it was or as the replay made it, never a mixture.

    Example: headrace replay publish flights 1
    """
    workspace = workspace_of(ctx)
    with progress("swapping the fork in") as bar:
        done = replay_swap.publish_replay(workspace, job, replay, within_s=within, progress=bar)
    emit(done.to_json(), fmt, lambda: pages.swap_sentence(done))


def rollback(ctx: typer.Context, job: Job, replay: Number, why: Why = "", fmt: Output = Format.text) -> None:
    """Return the tables to what they were before a replay was published, and stop its job. Safe to repeat.

    `headrace run` then continues from the old branch: what its job had staged is published as it judged it,
    and the rest is read again. Patches that the replay had overwritten are back in effect; patches published
    since then, after the fork point, are listed: their records are as they were before.

    Example: headrace replay rollback flights 1 --why "the new rule was wrong too"
    """
    workspace = workspace_of(ctx)
    with progress("swapping the old files in") as bar:
        done = replay_swap.roll_back_replay(workspace, job, replay, why, progress=bar)
    emit(done.to_json(), fmt, lambda: pages.rollback_sentence(done))


def abort(ctx: typer.Context, job: Job, replay: Number, why: Why = "", fmt: Output = Format.text) -> None:
    """Abort a replay: its job is cancelled, and what it staged is never published.

    Example: headrace replay abort flights 1 --why "the rule was right after all"
    """
    workspace = workspace_of(ctx)
    with progress("cancelling the fork") as bar:
        done = replay_swap.abort_replay(workspace, job, replay, why, progress=bar)
    emit(done.to_json(), fmt, lambda: pages.abort_sentence(done))


def ls(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """List the replays of a job, the newest first.

    Example: headrace replay ls flights
    """
    listed = replay_plan.list_replays(workspace_of(ctx), job)
    emit([r.to_json() for r in listed], fmt, lambda: pages.table(listed))


def show(ctx: typer.Context, job: Job, replay: Number, fmt: Output = Format.text) -> None:
    """Describe a replay: its fork point, what it replaces, its stages and its state.

    Example: headrace replay show flights 1
    """
    report = replay_plan.describe_replay(workspace_of(ctx), job, replay)
    emit(report.to_json(), fmt, lambda: pages.page(report))
