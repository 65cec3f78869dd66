"""``headrace run``, ``stop`` and ``status``: a job on its cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.options import Timeout
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages import status as pages
from headrace.errors import ClusterError
from headrace.operate.start import START_S, Started, await_job, start_job
from headrace.operate.status import read_status
from headrace.operate.stop import stop_job

Job = Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(run)
    app.command()(stop)
    app.command()(status)


def run(
    ctx: typer.Context,
    job: Job,
    savepoint: Annotated[
        str | None,
        typer.Option(
            "--savepoint", "-s", help="Restore this savepoint instead of the newest one on the branch."
        ),
    ] = None,
    timeout: Timeout = START_S,
    cancel_on_timeout: Annotated[
        bool,
        typer.Option(
            "--cancel-on-timeout",
            help="On timeout, cancel the job and set its claim aside; by default both stay.",
        ),
    ] = False,
    fmt: Output = Format.text,
) -> None:
    """Submit a job with `flink run`, and wait until it runs and its first checkpoint is complete.

    It continues from its newest checkpoint on its own.

    Example: headrace run flights
    """
    with progress(f"submitting {job}") as bar:
        started = start_job(
            workspace_of(ctx),
            job,
            savepoint=savepoint,
            within_s=timeout,
            cancel_on_timeout=cancel_on_timeout,
            progress=bar,
        )
    emit(started.to_json(), fmt, lambda: f"{job} is Flink job {started.flink_job}: {_readiness(started)}")


def _readiness(at: Started) -> str:
    """What a job that is ready has completed."""
    if at.state == "FINISHED":
        return "it has finished"
    return f"all its tasks run, and checkpoint {at.checkpoint} is complete ({at.seconds:.0f} s)"


def stop(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """Stop a job with a savepoint, from which `run` continues. Never drains: open windows stay open.

    A job that never ran cannot take a savepoint: it is cancelled, and its claim set aside.

    Example: headrace stop flights
    """
    with progress(f"stopping {job} with a savepoint") as bar:
        stopped = stop_job(workspace_of(ctx), job, progress=bar)
    emit(
        stopped.to_json(),
        fmt,
        lambda: "\n".join(f"{e.flink_job} → {e.savepoint or e.cancelled}" for e in stopped.ends),
    )


def status(
    ctx: typer.Context,
    job: Job,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="First wait until the job is ready, as `run` does; exit code 1 if it does not become ready.",
        ),
    ] = False,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="SECONDS", min=0, help="With --wait: how long to wait."),
    ] = START_S,
    fmt: Output = Format.text,
) -> None:
    """Show the state of a job: lag, frontier, unpublished files, last checkpoint, restarts, forks.

    With `--wait`, it waits as `run` does for a job that `flink run` or the Flink operator submitted.

    Example: headrace status flights --wait --timeout 60
    """
    workspace = workspace_of(ctx)
    unready = None
    if wait:
        try:
            with progress(f"waiting for {job}") as bar:
                await_job(workspace, job, timeout, bar)
        except ClusterError as e:  # the status is shown first
            unready = e
    job_status = read_status(workspace, job)
    emit(job_status.to_json(), fmt, lambda: pages.page(job_status))
    if refused := unready or job_status.flink_error:
        raise refused
