"""``headrace run``, ``stop`` and ``status``: a job on its cluster."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Annotated, Any

import typer

from headrace import project, settings
from headrace.cli.output import Format, Output, emit, progress
from headrace.cluster import flink as rest
from headrace.errors import JobError, StackError, UsageError
from headrace.job.declaration import find
from headrace.stack import flink as local_flink

Job = Annotated[str, typer.Argument(help="The job, as in jobs/JOB.py.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(run)
    app.command()(stop)
    app.command()(status)


def run(
    job: Job,
    savepoint: Annotated[
        str | None,
        typer.Option("--savepoint", "-s", help="Restore this one instead of the newest on the branch."),
    ] = None,
    fmt: Output = Format.text,
) -> None:
    """Submit a job by `flink run`; it goes on from its newest checkpoint by itself.

    Example: headrace run flights
    """
    find(job)
    with progress(f"submitting {job}"):
        flink_id = submit(job, savepoint)
    emit({"job": job, "flink_job": flink_id}, fmt, lambda: f"{job} runs as Flink job {flink_id}")


def submit(job: str, savepoint: str | None = None) -> str:
    """``flink run -d -pym jobs.JOB``; gives the id that Flink gave the job.

    Raises:
        StackError: there is no ``flink`` to run.
        JobError: the job refused to start; its own message is quoted.
    """
    env = {**os.environ, **local_flink.environment(settings.load())}
    command = shutil.which("flink", path=env["PATH"])
    if command is None:
        raise StackError("there is no flink command", remedy="headrace stack up")
    given = ["-s", savepoint] if savepoint else []
    done = subprocess.run(
        [command, "run", "-d", *given, "-pym", f"jobs.{job}"],
        env=env,
        cwd=project.root(),
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
    if found is None:
        raise JobError(
            _why(done.stdout + done.stderr), where=f"jobs/{job}.py", remedy="headrace stack status"
        )
    return found[1]


def _why(said: str) -> str:
    """Our own message if the job spoke, else the innermost cause that Flink names."""
    own = re.search(r"headrace says: (.*?)(?:\nheadrace ends\n)", said, re.DOTALL)
    if own:
        return own[1]
    causes = re.findall(r"Caused by: (.*)", said)
    return (causes or said.strip().splitlines() or ["no message"])[-1][:600]


def stop(job: Job, fmt: Output = Format.text) -> None:
    """Stop a job with a savepoint, from which `run` goes on. Never drains: open state stays open.

    Example: headrace stop flights
    """
    env = settings.load()
    running = live(env, job)
    if not running:
        raise UsageError(f"job {job} does not run", remedy=f"headrace status {job}")
    with progress(f"stopping {job} with a savepoint"):
        saved = {j.id: rest.stop(env.flink.rest, j.id) for j in running}
    emit({"job": job, "savepoints": saved}, fmt, lambda: "\n".join(f"{j} → {s}" for j, s in saved.items()))


def live(env: settings.Settings, job: str) -> list[Any]:
    """The Flink jobs of that name that are not at an end."""
    ended = ("FINISHED", "CANCELED", "FAILED")
    return [j for j in rest.jobs(env.flink.rest) if j.name == job and j.state not in ended]
