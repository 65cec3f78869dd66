"""What Flink says of its jobs, and the few things it is told to do, typed. Only REST: no JVM, no pyflink.

Every function takes the endpoint first and has a deadline; a refusal or silence is a
:class:`~headrace.errors.ClusterError`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeVar

from headrace.cluster.rest import ask, root_cause
from headrace.errors import ClusterError

T = TypeVar("T")

ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})
"""States that a job never leaves. SUSPENDED is not among them: another JobManager may go on."""

UP = frozenset({"RUNNING", "FINISHED"})
"""States of a job or an operator that has begun."""
POLL_S = 0.2
SAVEPOINT_WITHIN_S = 300.0
CANCEL_WITHIN_S = 60.0


@dataclass(frozen=True)
class Overview:
    """The cluster at a glance."""

    version: str
    taskmanagers: int
    slots: int
    slots_available: int


@dataclass(frozen=True)
class TaskManager:
    """One worker."""

    id: str
    slots: int
    slots_available: int
    path: str


@dataclass(frozen=True)
class Job:
    """One job that the cluster knows, running or not."""

    id: str
    name: str
    state: str
    started: datetime

    @property
    def ended(self) -> bool:
        """Whether it will never run again."""
        return self.state in ENDED


@dataclass(frozen=True)
class Vertex:
    """A chain of operators."""

    id: str
    name: str
    parallelism: int
    state: str


@dataclass(frozen=True)
class JobDetail:
    """A job and its vertices, sources first."""

    job: Job
    vertices: tuple[Vertex, ...]

    @property
    def running(self) -> bool:
        """Whether every task runs or is done: a job says RUNNING before its tasks do."""
        return self.job.state in UP and all(v.state in UP for v in self.vertices)


@dataclass(frozen=True)
class Slots:
    """What a job's tasks can be put on: a job needs as many slots as its widest operator has subtasks."""

    taskmanagers: int
    total: int
    held: dict[str, int]
    """By the id of each job that holds some."""

    def free_for(self, job: str) -> int:
        """Those that no other job holds."""
        return self.total - sum(n for other, n in self.held.items() if other != job)


@dataclass(frozen=True)
class Checkpoint:
    """A completed or a restored checkpoint, or savepoint."""

    id: int
    path: str
    at: datetime
    """When it completed; of a restored one, when it was restored."""
    savepoint: bool
    state_bytes: int
    """Of all operators, sources and sinks among them; of an incremental one too, the whole."""


@dataclass(frozen=True)
class Checkpoints:
    """How a job's checkpoints go since this submission began."""

    completed: int
    failed: int
    in_progress: int
    last: Checkpoint | None
    """The newest completed checkpoint or savepoint."""
    restored: Checkpoint | None
    failure: str
    """Why the newest failed one failed; empty if none did."""


def overview(rest: str) -> Overview:
    """The cluster at a glance."""
    said = ask(rest, "/overview")
    return Overview(said["flink-version"], said["taskmanagers"], said["slots-total"], said["slots-available"])


def ready(rest: str, slots: int = 1) -> bool:
    """Whether Flink answers and has at least so many slots, free or not."""
    try:
        return overview(rest).slots >= slots
    except ClusterError:
        return False


def taskmanagers(rest: str) -> list[TaskManager]:
    """The workers that are registered now."""
    found = ask(rest, "/taskmanagers")["taskmanagers"]
    return [TaskManager(t["id"], t["slotsNumber"], t["freeSlots"], t["path"]) for t in found]


def slots(rest: str) -> Slots:
    """How many slots there are, and which jobs hold them."""
    workers = taskmanagers(rest)
    details = [ask(rest, f"/taskmanagers/{w.id}") for w in workers]
    held = Counter(s["jobId"] for worker in details for s in worker["allocatedSlots"])
    return Slots(len(workers), sum(w.slots for w in workers), dict(held))


def jobs(rest: str) -> list[Job]:
    """All jobs that the cluster remembers, the newest first."""
    found = [_job(j) for j in ask(rest, "/jobs/overview")["jobs"]]
    return sorted(found, key=lambda j: j.started, reverse=True)


def detail(rest: str, job: str) -> JobDetail:
    """One job with its vertices."""
    said = ask(rest, f"/jobs/{job}")
    vertices = tuple(Vertex(v["id"], v["name"], v["parallelism"], v["status"]) for v in said["vertices"])
    return JobDetail(_job(said), vertices)


def checkpoints(rest: str, job: str) -> Checkpoints:
    """How its checkpoints go."""
    said = ask(rest, f"/jobs/{job}/checkpoints")
    counts, latest = said["counts"], said["latest"]
    completed = [_completed(c) for c in (latest["completed"], latest["savepoint"]) if c]
    restored, failed = latest["restored"], latest["failed"]
    return Checkpoints(
        completed=counts["completed"],
        failed=counts["failed"],
        in_progress=counts["in_progress"],
        last=max(completed, key=lambda c: c.id, default=None),
        restored=restored
        and Checkpoint(
            restored["id"],
            restored.get("external_path") or "",
            _moment(restored["restore_timestamp"]),
            restored["is_savepoint"],
            0,
        ),
        failure=root_cause(failed.get("failure_message") or "no reason given") if failed else "",
    )


def checkpoint_settings(rest: str, job: str) -> dict[str, Any]:
    """The checkpoint settings in force, the cluster's included (``mode``, ``unaligned_checkpoints``, …)."""
    return dict(ask(rest, f"/jobs/{job}/checkpoints/config"))


def configuration(rest: str, job: str) -> dict[str, str]:
    """The job's own parameters (``user-config``); Flink masks what looks like a secret."""
    said = ask(rest, f"/jobs/{job}/config")["execution-config"]
    return {str(k): str(v) for k, v in said["user-config"].items()}


def failure(rest: str, job: str) -> str:
    """The root cause of the newest failure, on one line; empty if it never failed."""
    return newest_failure(rest, job)[1]


def newest_failure(rest: str, job: str) -> tuple[int, str]:
    """When a job failed last, in the JobManager's milliseconds, and why; zero and nothing if it never did."""
    entries = ask(rest, f"/jobs/{job}/exceptions?maxExceptions=1")["exceptionHistory"]["entries"]
    return (entries[0]["timestamp"], root_cause(entries[0]["stacktrace"])) if entries else (0, "")


def trigger_checkpoint(rest: str, job: str) -> str:
    """Ask for a checkpoint now; gives the request's id for :func:`triggered`."""
    return str(ask(rest, f"/jobs/{job}/checkpoints", {"checkpointType": "CONFIGURED"})["request-id"])


def triggered(rest: str, job: str, request: str) -> tuple[int | None, str]:
    """The number of the checkpoint that was asked for, once complete, and why it failed, if it did."""
    said = ask(rest, f"/jobs/{job}/checkpoints/{request}")
    done = (said["status"]["id"] == "COMPLETED" and said["operation"]) or {}
    failed = done.get("failure-cause")
    return done.get("checkpointId"), root_cause(failed["stack-trace"]) if failed else ""


def unacknowledged(rest: str, job: str) -> list[str]:
    """The operators that have not finished their part of the oldest checkpoint in progress, sources first."""
    history = ask(rest, f"/jobs/{job}/checkpoints")["history"]
    open_ = [c["id"] for c in history if c["status"] == "IN_PROGRESS"]
    if not open_:
        return []
    tasks = ask(rest, f"/jobs/{job}/checkpoints/details/{min(open_)}")["tasks"]
    late = {i for i, t in tasks.items() if t["num_acknowledged_subtasks"] < t["num_subtasks"]}
    return [v.name for v in detail(rest, job).vertices if v.id in late]


def savepoint(rest: str, job: str, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
    """Take a savepoint while the job goes on, and return its address.

    Args:
        rest: the endpoint.
        job: the job's id.
        target: the folder for it; None leaves it to Flink's own setting.
        within_s: seconds until the savepoint must be complete.
    """
    asked = ask(rest, f"/jobs/{job}/savepoints", _into("target-directory", target) | {"cancel-job": False})
    return _location(rest, job, asked["request-id"], within_s)


def stop(rest: str, job: str, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
    """Stop a job with a savepoint, wait until it has ended, and return the savepoint's address.

    Never drains: draining would fire every open window as if time had ended, and the rows would be wrong.
    """
    asked = ask(rest, f"/jobs/{job}/stop", _into("targetDirectory", target) | {"drain": False})
    address = _location(rest, job, asked["request-id"], within_s)
    _until(
        lambda: detail(rest, job).job.ended,
        within_s,
        f"job {job} has its savepoint and does not end",
        address,
    )
    return address


def cancel(rest: str, job: str, within_s: float = CANCEL_WITHIN_S) -> None:
    """Cancel a job without a savepoint and wait until it has ended; an ended one is left as it is."""
    if detail(rest, job).job.ended:
        return
    ask(rest, f"/jobs/{job}?mode=cancel", method="PATCH")
    _until(
        lambda: detail(rest, job).job.ended, within_s, f"job {job} does not end", "see its TaskManagers' logs"
    )


def _location(rest: str, job: str, request: str, within_s: float) -> str:
    name = detail(rest, job).job.name

    def complete() -> Any:
        said = ask(rest, f"/jobs/{job}/savepoints/{request}")
        return said["operation"] if said["status"]["id"] == "COMPLETED" else None

    done = _until(
        complete,
        within_s,
        f"the savepoint of job {job} is asked for, and not complete",
        f"it goes on by itself: headrace status {name} shows when the job has ended. If it does not,"
        " see whether the object store answers (headrace stack status), and the job's back pressure",
        f"{rest}/jobs/{job}",
    )
    if failed := done.get("failure-cause"):
        raise ClusterError(
            f"no savepoint: {root_cause(failed['stack-trace'])}",
            where=f"job {job}",
            remedy=f"the job's state is untouched; headrace status {name} says whether it still runs",
        )
    return str(done["location"])


def _into(key: str, target: str | None) -> dict[str, Any]:
    # The two requests spell it differently, and Flink ignores a key that it does not know.
    return {key: target} if target else {}


def _until(look: Callable[[], T], within_s: float, otherwise: str, remedy: str, where: str = "") -> T:
    deadline = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise ClusterError(f"{otherwise} after {within_s:.0f} s", where=where, remedy=remedy)
        time.sleep(POLL_S)
    return found


def _job(said: dict[str, Any]) -> Job:
    return Job(said["jid"], said["name"], said["state"], _moment(said["start-time"]))


def _completed(said: dict[str, Any]) -> Checkpoint:
    return Checkpoint(
        said["id"],
        said["external_path"],
        _moment(said["latest_ack_timestamp"]),
        said["is_savepoint"],
        said["state_size"],
    )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
