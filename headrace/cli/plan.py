"""``headrace plan``: everything that Flink would be told, and whether the lock still says the same."""

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
            "--changing", metavar="ID", help="With --accept: its state may go on with a new meaning."
        ),
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Show every statement too.")] = False,
    settings_too: Annotated[
        bool, typer.Option("--settings", help="Show Flink's settings too, and why each is as it is.")
    ] = False,
    fmt: Output = Format.text,
) -> None:
    """Show what a job would run: what it reads and writes, its operators, and what becomes of its state.

    Of each operator with state, when the job has changed: kept, new, dropped, changed, or unknown. What is
    lost or changes its meaning has to be named to be accepted.

    The warehouse is asked whether its tables, and what is staged for them, can follow the contracts. Where it
    does not answer, the plan says that they were not compared.

    Exit 3 when there is no lock, or the job has changed since it was written; where a contract was edited
    under the version that it had; and where a table cannot follow its contract.

    Example: headrace plan departures_hourly --accept --changing 8
    """
    workspace = workspace_of(ctx)
    with progress(f"comparing {job} with its lock") as tell:
        if accept:
            found = accept_plan(workspace, job, losing=losing or (), changing=changing or (), tell=tell)
        else:
            found = plan_job(workspace, job, tell=tell)
    emit(found.to_json(), fmt, lambda: pages.described(found, sql=sql, settings_too=settings_too))
    found.require_accepted()
