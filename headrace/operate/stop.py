"""Stop a job with a savepoint, from which its next start continues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.cluster.ready import why_not_running
from headrace.errors import ClusterError, UsageError
from headrace.operate.parts.flink_jobs import live_jobs
from headrace.operate.parts.unready import cancel_unready
from headrace.operate.workspace import OpenJob, Workspace
from headrace.progress import Progress, silent
from headrace.savepoint.retained import savepoint_folder


@dataclass(frozen=True)
class End:
    """How one Flink job was ended."""

    flink_job: str
    savepoint: str | None
    """The address of its savepoint; None if the job never ran and was cancelled."""
    cancelled: str = ""
    """If the job was cancelled: why, and what happened to its claim."""


@dataclass(frozen=True)
class Stopped:
    """The Flink jobs that ran the job, each ended."""

    job: str
    ends: tuple[End, ...]

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "job": self.job,
            "savepoints": {e.flink_job: e.savepoint for e in self.ends if e.savepoint is not None},
            "cancelled": {e.flink_job: e.cancelled for e in self.ends if e.savepoint is None},
        }


def stop_job(workspace: Workspace, job: str, *, progress: Progress = silent) -> Stopped:
    """Stop a job with a savepoint, without draining it; a job that never ran is cancelled instead.

    Raises:
        UsageError: there is no such job, or it does not run.
        ClusterError: its tasks do not run now, but it has completed checkpoints: it ran.
    """
    open_job = workspace.job(job)
    running = live_jobs(open_job)
    if not running:
        raise UsageError(f"job {job} does not run", remedy=f"headrace status {job}")
    progress(what=f"stopping {job} with a savepoint")
    return Stopped(job, tuple(_end(open_job, j.id) for j in running))


def _end(job: OpenJob, flink_id: str) -> End:
    cluster, place = job.cluster, job.workspace.settings.store.warehouse
    at = cluster.detail(flink_id)
    if at.running:
        return End(flink_id, cluster.stop(flink_id, f"{place}/{savepoint_folder(job.name)}"))
    why = why_not_running(cluster, at)
    if cluster.checkpoints(flink_id).completed:
        raise ClusterError(
            f"job {job.name} cannot take a savepoint now: {why.what}",
            where=f"Flink job {flink_id}, {at.job.state}",
            remedy=f"{why.remedy}; headrace status {job.name} --wait waits until it runs. To end it anyway:"
            f" flink cancel {flink_id}; the next start continues from its newest checkpoint",
        )
    done = cancel_unready(job, flink_id, f"stopped before it ran: {why.cause}")
    return End(flink_id, None, f"it never ran, so there is no savepoint ({why.what}); {done}")
