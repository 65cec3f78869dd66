"""Start a job, and wait until all its tasks run and its first checkpoint is complete."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from headrace.cluster import Submission
from headrace.cluster.ready import LOOK_S, WITHIN_S, Ready, Unready, await_ready
from headrace.errors import ClusterError, UsageError
from headrace.job import lock
from headrace.job.submission import of_job
from headrace.operate.parts.flink_jobs import live_jobs
from headrace.operate.parts.unready import cancel_unready, not_ready_error, not_started_error
from headrace.operate.workspace import OpenJob, Workspace
from headrace.progress import Progress, silent

START_S = WITHIN_S
"""How many seconds a job may take, from its submission until a checkpoint is complete."""


@dataclass(frozen=True)
class Started:
    """A job that is ready."""

    job: str
    flink_job: str
    """The id that Flink gave it."""
    state: Literal["RUNNING", "FINISHED"]
    """RUNNING, or FINISHED: a bounded job may end before a checkpoint is complete."""
    checkpoint: int | None
    """Its first complete checkpoint; None for a finished job."""
    seconds: float
    """From the submission until then."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "job": self.job,
            "flink_job": self.flink_job,
            "state": self.state,
            "checkpoint": self.checkpoint,
        }


def start_job(
    workspace: Workspace,
    job: str,
    *,
    savepoint: str | None = None,
    within_s: float = START_S,
    cancel_on_timeout: bool = False,
    progress: Progress = silent,
) -> Started:
    """Submit a job, and wait until it runs and a checkpoint is complete.

    Args:
        workspace: where it is to run.
        job: the job, as in jobs/JOB.py.
        savepoint: restore this savepoint instead of the newest checkpoint on the branch.
        within_s: the deadline, in seconds.
        cancel_on_timeout: on timeout, cancel the job and set its claim aside; by default both stay.
        progress: called with what it waits for.

    Raises:
        UsageError: there is no such job, or it is already running.
        DecisionNeeded: its lock is missing or stale.
        ClusterError: it cannot be submitted, or is not ready within the deadline.
    """
    open_job = workspace.job(job)
    lock.require_current(open_job.program)  # Flink's client, a JVM, would take seconds to report the same
    if running := live_jobs(open_job):
        raise UsageError(
            f"job {job} is already running, as Flink job {running[0].id} ({running[0].state})",
            where=workspace.cluster.address,
            remedy=f"headrace stop {job}; only `flink run` itself can start a second one beside it",
        )
    began = time.monotonic()
    progress(what=f"submitting {job}")
    flink_id = submit(open_job, of_job(job, savepoint))
    at = await_start(open_job, flink_id, within_s, f"starting {job}", progress)
    if isinstance(at, Ready):
        return Started(job, flink_id, at.state, at.checkpoint, time.monotonic() - began)
    if cancel_on_timeout:
        then = cancel_unready(open_job, flink_id, f"not ready within {within_s:g} s: {at.cause}")
        raise not_ready_error(open_job, flink_id, at, within_s, then, f"then headrace run {job}")
    raise not_started_error(open_job, flink_id, at, within_s)


def submit(job: OpenJob, submission: Submission) -> str:
    """Submit a job's ``main``; returns the id of the Flink job.

    Raises:
        ClusterError: Kafka or the object store refuses the connection.
        HeadraceError: as :meth:`headrace.cluster.Cluster.submit`.
    """
    job.workspace.require_servers()
    return job.cluster.submit(submission)


def await_start(
    job: OpenJob, flink_id: str, within_s: float, doing: str, progress: Progress = silent
) -> Ready | Unready:
    """Wait until a submitted job is ready, and report what it waits for."""
    progress(what=doing)
    return await_ready(job.cluster, flink_id, within_s, lambda what: progress(what=f"{doing}: {what}"))


def await_job(workspace: Workspace, job: str, within_s: float = START_S, progress: Progress = silent) -> None:
    """Wait until a job that is submitted by other means is ready.

    Raises:
        ClusterError: it was not ready within the deadline, and why; or the cluster does not answer.
    """
    open_job, began = workspace.job(job), time.monotonic()
    flink_id = _await_submission(open_job, within_s, progress)
    if flink_id is None:
        raise ClusterError(
            f"job {job} is not running: nothing submitted it within {within_s:g} s",
            where=workspace.cluster.address,
            remedy=f"headrace run {job}; or check whatever was to submit it",
            cause="missing",
        )
    left = max(0.0, within_s - (time.monotonic() - began))
    at = await_start(open_job, flink_id, left, f"waiting for {job}", progress)
    if isinstance(at, Unready):
        raise not_ready_error(
            open_job, flink_id, at, within_s, "the job keeps running", f"headrace stop {job} ends it"
        )


def _await_submission(job: OpenJob, within_s: float, progress: Progress) -> str | None:
    """The Flink job of that name, once there is one: its submission may still be under way."""
    deadline = time.monotonic() + within_s
    progress(what=f"waiting for a submission of {job.name}")
    while True:
        try:
            if running := live_jobs(job):
                return running[0].id
        except ClusterError:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            return None
        time.sleep(LOOK_S)
