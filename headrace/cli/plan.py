"""``headrace plan``: everything that would be submitted to Flink, and whether the lock still agrees."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages import plan as pages
from headrace.operate.plan import accept_plan, plan_job


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)


def plan(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")],
    accept: Annotated[
        bool, typer.Option("--accept", help="Compile (about 10 s) and write jobs/JOB.lock.json.")
    ] = False,
    losing: Annotated[
        list[int] | None,
        typer.Option("--losing", metavar="ID", help="With --accept: that operator's state may be lost."),
    ] = None,
    changing: Annotated[
        list[int] | None,
        typer.Option(
            "--changing",
            metavar="ID",
            help="With --accept: that operator's state may continue with a new meaning.",
        ),
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Also show every statement.")] = False,
    settings_too: Annotated[
        bool, typer.Option("--settings", help="Also show Flink's settings, and the reason for each.")
    ] = False,
    fmt: Output = Format.text,
) -> None:
    """Show what a job would run: what it reads and writes, its operators, and what happens to its state.

    If the job has changed, each operator with state is kept, new, dropped, changed, or unknown. State that is
    lost or changes its meaning must be named to be accepted.

    The plan checks in the warehouse whether the tables, and what is staged for them, can follow the
    contracts. If the warehouse does not answer, the plan reports that they were not compared.

    Exit code 3 if there is no lock, or the job has changed since it was written; if a contract was edited
    without a new version; and if a table cannot follow its contract.

    Example: headrace plan departures_hourly --accept --changing 8
    """
    workspace = workspace_of(ctx)
    with progress(f"comparing {job} with its lock") as bar:
        if accept:
            job_plan = accept_plan(workspace, job, losing=losing or (), changing=changing or (), progress=bar)
        else:
            job_plan = plan_job(workspace, job, progress=bar)
    emit(job_plan.to_json(), fmt, lambda: pages.page(job_plan, sql=sql, settings_too=settings_too))
    job_plan.require_accepted()
