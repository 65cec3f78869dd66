"""Whether a job that was started is ready: all its tasks run, and a checkpoint asked for since is complete.

Flink takes a submission long before that, and says RUNNING while tasks still wait for a slot. Until the first
checkpoint nothing is staged, so publish finds nothing, and the job cannot be stopped with a savepoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from headrace.cluster.model import UP, JobDetail, Slots, Triggered
from headrace.cluster.protocol import Cluster
from headrace.errors import ClusterError

WITHIN_S = 180.0
"""From the submission to the first checkpoint: ten seconds on a quiet machine, a minute on a slow one."""
LOOK_S = 0.5
SHOWN = 60
"""Characters of an operator's name that are shown: a source names all its columns."""
NO_SLOTS = "NoResourceAvailableException"
MORE_SLOTS = (
    "stop a job; or give the cluster more slots (local stack: stack.slots in deploy/env or"
    " HEADRACE__STACK__SLOTS, then `headrace stack down` and `headrace stack up`; elsewhere"
    " taskmanager.numberOfTaskSlots, or one more TaskManager); or, once this job has ended, start it"
    " again with fewer: HEADRACE__FLINK__PARALLELISM=1"
)


@dataclass(frozen=True)
class Ready:
    """A job that has begun."""

    state: str
    """RUNNING, or FINISHED: a bounded job may end before a checkpoint is complete."""
    checkpoint: int | None
    """The number of the checkpoint that was asked for; None for a finished job."""


@dataclass(frozen=True)
class Unready:
    """Why a job is not ready."""

    cause: str
    """One word for machines: taskmanager, slots, failure, tasks, checkpoint, silence, or ended."""
    what: str
    remedy: str

    @property
    def final(self) -> bool:
        """Whether it will never become ready."""
        return self.cause == "ended"

    @property
    def begun(self) -> bool:
        """Whether all its tasks run: only the checkpoint is missing."""
        return self.cause == "checkpoint"


def await_ready(
    cluster: Cluster, job: str, within_s: float = WITHIN_S, tell: Callable[[str], None] = lambda _what: None
) -> Ready | Unready:
    """Wait until a job is ready, has ended otherwise, or the deadline has passed.

    Args:
        cluster: where it runs.
        job: the id that Flink gave the job.
        within_s: the deadline, in seconds.
        tell: is given in words what is waited for.
    """
    watch, deadline = Watch(cluster, job), time.monotonic() + within_s
    while isinstance(at := watch.look(), Unready) and not at.final and time.monotonic() < deadline:
        tell(at.what)
        time.sleep(LOOK_S)
    return at


class Watch:
    """Looks at one job again and again, and asks it for a checkpoint as soon as its tasks run."""

    def __init__(self, cluster: Cluster, job: str) -> None:
        self._cluster, self._job = cluster, job
        self._request: str | None = None
        self._declined = ""
        self._failed_before: int | None = None

    def look(self) -> Ready | Unready:
        """Where the job stands now; silence is no verdict, since a JobManager that fails over comes back."""
        try:
            return self._look()
        except ClusterError as e:
            return Unready("silence", e.what, e.remedy)

    def _look(self) -> Ready | Unready:
        at = self._cluster.detail(self._job)
        failure = self._cluster.failure(self._job)
        if self._failed_before is None:
            self._failed_before = failure.at
        if at.job.state == "FINISHED":
            return Ready("FINISHED", None)
        if at.job.ended:
            return why_ended(self._cluster, at)
        if not at.running:
            return why_not_running(self._cluster, at)
        return self._checkpointed(failure.cause if failure.at > self._failed_before else "")

    def _checkpointed(self, failure: str) -> Ready | Unready:
        asked = self._asked()
        if asked.checkpoint is not None:
            return Ready("RUNNING", asked.checkpoint)
        if asked.failure:  # tasks had just left, or the checkpoint failed: ask for another
            self._request, self._declined = None, asked.failure
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
            "see whether the object store answers (headrace stack status), and the job's back pressure",
        )

    def _asked(self) -> Triggered:
        if self._request is None:
            self._request = self._cluster.trigger_checkpoint(self._job)
        try:
            return self._cluster.triggered(self._job, self._request)
        except ClusterError as e:
            if e.facts.get("status") == HTTPStatus.NOT_FOUND:  # another JobManager does not know the request
                self._request = None
            raise


def why_not_running(cluster: Cluster, at: JobDetail) -> Unready:
    """What keeps a job's tasks from running: no worker, too few slots, its own failure, or just time."""
    if lacking := _lacking(cluster, at):
        return lacking
    failure = cluster.failure(at.job.id).cause
    return _failing(failure) if failure else _starting(at)


def why_ended(cluster: Cluster, at: JobDetail) -> Unready:
    """Why a job has ended; one that found no slots within Flink's patience still lacks them, mostly."""
    failure = cluster.failure(at.job.id).cause
    lacking = _lacking(cluster, at) if NO_SLOTS in failure else None
    why = lacking.what if lacking else failure or "cancelled"
    remedy = lacking.remedy if lacking else "headrace stack logs jobmanager"
    return Unready("ended", f"it is {at.job.state}: {why}", remedy)


def _lacking(cluster: Cluster, at: JobDetail) -> Unready | None:
    """The slots that a job lacks, or the worker that would offer them."""
    slots = cluster.slots()
    needed = max((v.parallelism for v in at.vertices), default=1)
    if not slots.taskmanagers:
        return Unready(
            "taskmanager",
            "no TaskManager is registered, so nothing can run the job",
            "headrace stack up starts one; elsewhere see whether the TaskManagers reach the JobManager",
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
