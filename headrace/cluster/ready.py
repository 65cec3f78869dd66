"""Whether a started job is ready: all its tasks run, and a checkpoint requested since then is complete.

Flink accepts a submission long before that, and reports RUNNING while tasks still wait for a slot. Until the
first checkpoint, nothing is staged: publish has nothing to do, and a stop with a savepoint fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from headrace.cluster.model import UP, JobDetail, Slots, Triggered
from headrace.cluster.protocol import Cluster
from headrace.errors import ClusterError

WITHIN_S = 180.0
"""From the submission to the first checkpoint: ten seconds on a quiet machine, a minute on a slow one."""
LOOK_S = 0.5
SHOWN = 60
"""Characters of an operator's name that are shown: the name of a source lists all its columns."""
NO_SLOTS = "NoResourceAvailableException"
MORE_SLOTS = (
    "stop a job; or give the cluster more slots (local stack: stack.slots in deploy/env or"
    " HEADRACE__STACK__SLOTS, then `headrace stack down` and `headrace stack up`; elsewhere"
    " taskmanager.numberOfTaskSlots, or one more TaskManager); or, once this job has ended, start it"
    " again with fewer: HEADRACE__FLINK__PARALLELISM=1"
)


Cause = Literal["taskmanager", "slots", "failure", "tasks", "checkpoint", "silence", "ended"]
"""What a job lacks that is not ready, in one word for machines."""


@dataclass(frozen=True)
class Ready:
    """A job that is ready."""

    state: Literal["RUNNING", "FINISHED"]
    """RUNNING, or FINISHED: a bounded job may end before a checkpoint is complete."""
    checkpoint: int | None
    """The number of the requested checkpoint; None for a finished job."""


@dataclass(frozen=True)
class Unready:
    """Why a job is not ready."""

    cause: Cause
    what: str
    remedy: str

    @property
    def final(self) -> bool:
        """Whether it will never become ready."""
        return self.cause == "ended"

    @property
    def tasks_run(self) -> bool:
        """Whether all its tasks run and only the checkpoint is missing."""
        return self.cause == "checkpoint"


def await_ready(
    cluster: Cluster,
    job: str,
    within_s: float = WITHIN_S,
    progress: Callable[[str], None] = lambda _what: None,
) -> Ready | Unready:
    """Wait until a job is ready, has ended, or the deadline has passed.

    Args:
        cluster: where it runs.
        job: the id that Flink gave the job.
        within_s: the deadline, in seconds.
        progress: called with what the job waits for, as text.
    """
    watch, deadline = Watch(cluster, job), time.monotonic() + within_s
    while isinstance(state := watch.look(), Unready) and not state.final and time.monotonic() < deadline:
        progress(state.what)
        time.sleep(LOOK_S)
    return state


class Watch:
    """Polls one job, and requests a checkpoint as soon as its tasks run."""

    def __init__(self, cluster: Cluster, job: str) -> None:
        self._cluster, self._job = cluster, job
        self._request: str | None = None
        self._declined = ""
        self._failed_before: int | None = None

    def look(self) -> Ready | Unready:
        """The job's state now; silence is not final, since a JobManager comes back after a failover."""
        try:
            return self._look()
        except ClusterError as e:
            return Unready("silence", e.what, e.remedy)

    def _look(self) -> Ready | Unready:
        detail = self._cluster.detail(self._job)
        failure = self._cluster.failure(self._job)
        if self._failed_before is None:
            self._failed_before = failure.at
        if detail.job.state == "FINISHED":
            return Ready("FINISHED", None)
        if detail.job.ended:
            return why_ended(self._cluster, detail)
        if not detail.running:
            return why_not_running(self._cluster, detail)
        return self._checkpointed(failure.cause if failure.at > self._failed_before else "")

    def _checkpointed(self, failure: str) -> Ready | Unready:
        outcome = self._requested_checkpoint()
        if outcome.checkpoint is not None:
            return Ready("RUNNING", outcome.checkpoint)
        if outcome.failure:  # tasks have just failed, or the checkpoint has: request another
            self._request, self._declined = None, outcome.failure
        if failure:
            return _failing(failure)
        late = self._cluster.unacknowledged(self._job)
        others = f" and {len(late) - 1} more" if len(late) > 1 else ""
        waits = f"; it waits for {late[0][:SHOWN]}{others}" if late else ""
        return Unready(
            "checkpoint",
            "all tasks run, but no checkpoint is complete"
            + (f": {self._declined}" * bool(self._declined))
            + waits,
            "check whether the object store answers (headrace stack status), and the job's back pressure",
        )

    def _requested_checkpoint(self) -> Triggered:
        if self._request is None:
            self._request = self._cluster.trigger_checkpoint(self._job)
        try:
            return self._cluster.triggered(self._job, self._request)
        except ClusterError as e:
            if e.facts.get("status") == HTTPStatus.NOT_FOUND:  # a new JobManager does not know the request
                self._request = None
            raise


def why_not_running(cluster: Cluster, at: JobDetail) -> Unready:
    """Why a job's tasks do not run yet: no worker, too few slots, a failure, or they are still starting."""
    if lacking := _lacking(cluster, at):
        return lacking
    failure = cluster.failure(at.job.id).cause
    return _failing(failure) if failure else _starting(at)


def why_ended(cluster: Cluster, at: JobDetail) -> Unready:
    """Why a job has ended; if it got no slots before Flink's timeout, they are usually still missing."""
    failure = cluster.failure(at.job.id).cause
    lacking = _lacking(cluster, at) if NO_SLOTS in failure else None
    why = lacking.what if lacking else failure or "cancelled"
    remedy = lacking.remedy if lacking else "headrace stack logs jobmanager"
    return Unready("ended", f"it is {at.job.state}: {why}", remedy)


def _lacking(cluster: Cluster, at: JobDetail) -> Unready | None:
    """The slots that a job lacks, or the missing worker."""
    slots = cluster.slots()
    needed = max((v.parallelism for v in at.vertices), default=1)
    if not slots.taskmanagers:
        return Unready(
            "taskmanager",
            "no TaskManager is registered, so nothing can run the job",
            "headrace stack up starts one; elsewhere, check whether the TaskManagers reach the JobManager",
        )
    if (free := slots.free_for(at.job.id)) < needed:
        return Unready(
            "slots",
            f"not enough free slots: it needs {needed}, and {free} of {slots.total} are free"
            + _held(cluster, slots, at.job.id),
            MORE_SLOTS,
        )
    return None


def _held(cluster: Cluster, slots: Slots, job: str) -> str:
    names = {j.id: j.name for j in cluster.jobs()}
    held = [f"{names.get(other, other)} holds {n}" for other, n in slots.held.items() if other != job]
    return f" ({', '.join(sorted(held))})" if held else ""


def _failing(failure: str) -> Unready:
    return Unready("failure", f"it fails: {failure}", "headrace stack logs jobmanager")


def _starting(at: JobDetail) -> Unready:
    waiting = [v for v in at.vertices if v.state not in UP]
    first = (
        f": {waiting[0].name[:SHOWN]} is {waiting[0].state}" if waiting else f": the job is {at.job.state}"
    )
    return Unready(
        "tasks",
        f"{len(at.vertices) - len(waiting)} of {len(at.vertices)} operators run{first}",
        "headrace stack logs taskmanager-1; a slow machine may need a longer deadline",
    )
