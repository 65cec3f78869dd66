"""A session cluster: it runs already and takes jobs from a client. Only REST: no JVM, no pyflink.

Every request has a deadline; a refusal or no answer is a :class:`~headrace.errors.ClusterError`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, TypeVar

from headrace.cluster import metrics
from headrace.cluster.model import (
    Checkpoints,
    CompletedCheckpoint,
    Failure,
    Job,
    JobDetail,
    Slots,
    Split,
    Submission,
    Triggered,
    Vertex,
)
from headrace.cluster.protocol import CANCEL_WITHIN_S, SAVEPOINT_WITHIN_S
from headrace.cluster.rest import POLL_S, ask, root_cause
from headrace.errors import ClusterError

T = TypeVar("T")
Submit = Callable[[Submission], str]
"""A client: it runs a job's ``main`` against the cluster, and returns Flink's id for the job."""


class SessionCluster:
    """A session cluster behind its REST endpoint.

    Args:
        rest: the endpoint, like ``http://127.0.0.1:8081``.
        submit: the client.
    """

    def __init__(self, rest: str, submit: Submit) -> None:
        self.address = rest
        self.submit = submit

    def version(self) -> str:
        """Flink's own version."""
        return str(self._ask("/overview")["flink-version"])

    def slots(self) -> Slots:
        """How many slots there are, and which jobs hold them."""
        workers = self._ask("/taskmanagers")["taskmanagers"]
        details = [self._ask(f"/taskmanagers/{w['id']}") for w in workers]
        held = Counter(s["jobId"] for worker in details for s in worker["allocatedSlots"])
        return Slots(len(workers), sum(w["slotsNumber"] for w in workers), dict(held))

    def jobs(self) -> list[Job]:
        """All jobs that the cluster knows, newest first."""
        known = [_job(j) for j in self._ask("/jobs/overview")["jobs"]]
        return sorted(known, key=lambda j: j.started, reverse=True)

    def detail(self, job: str) -> JobDetail:
        """One job with its vertices."""
        answer = self._ask(f"/jobs/{job}")
        vertices = tuple(Vertex(v["id"], v["name"], v["parallelism"], _state(v)) for v in answer["vertices"])
        return JobDetail(_job(answer), vertices)

    def configuration(self, job: str) -> dict[str, str]:
        """The job's own parameters (``user-config``); Flink masks what looks like a secret."""
        answer = self._ask(f"/jobs/{job}/config")["execution-config"]
        return {str(k): str(v) for k, v in answer["user-config"].items()}

    def failure(self, job: str) -> Failure:
        """Its most recent failure."""
        entries = self._ask(f"/jobs/{job}/exceptions?maxExceptions=1")["exceptionHistory"]["entries"]
        if not entries:
            return Failure(0, "")
        return Failure(entries[0]["timestamp"], root_cause(entries[0]["stacktrace"]))

    def checkpoints(self, job: str) -> Checkpoints:
        """Its checkpoints since its submission."""
        answer = self._ask(f"/jobs/{job}/checkpoints")
        counts, latest = answer["counts"], answer["latest"]
        completed = [_completed(c) for c in (latest["completed"], latest["savepoint"]) if c]
        return Checkpoints(
            counts["completed"], counts["failed"], max(completed, key=lambda c: c.id, default=None)
        )

    def trigger_checkpoint(self, job: str) -> str:
        """Request a checkpoint now, and return the request's id."""
        return str(self._ask(f"/jobs/{job}/checkpoints", {"checkpointType": "CONFIGURED"})["request-id"])

    def triggered(self, job: str, request: str) -> Triggered:
        """The outcome so far of that request."""
        answer = self._ask(f"/jobs/{job}/checkpoints/{request}")
        done = (answer["status"]["id"] == "COMPLETED" and answer["operation"]) or {}
        failed = done.get("failureCause")
        return Triggered(done.get("checkpointId"), root_cause(failed["stack-trace"]) if failed else "")

    def unacknowledged(self, job: str) -> list[str]:
        """The operators that have not finished their part of the oldest checkpoint in progress."""
        history = self._ask(f"/jobs/{job}/checkpoints")["history"]
        open_ = [c["id"] for c in history if c["status"] == "IN_PROGRESS"]
        if not open_:
            return []
        tasks = self._ask(f"/jobs/{job}/checkpoints/details/{min(open_)}")["tasks"]
        late = {i for i, t in tasks.items() if t["num_acknowledged_subtasks"] < t["num_subtasks"]}
        return [v.name for v in self.detail(job).vertices if v.id in late]

    def savepoint(self, job: str, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
        """Take a savepoint of a running job, and return its address."""
        body = _into("target-directory", target) | {"cancel-job": False}
        request = self._ask(f"/jobs/{job}/savepoints", body)
        return self._await_savepoint(job, request["request-id"], within_s)

    def stop(self, job: str, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
        """Stop a job with a savepoint, wait until it has ended, and return the savepoint's address."""
        request = self._ask(f"/jobs/{job}/stop", _into("targetDirectory", target) | {"drain": False})
        address = self._await_savepoint(job, request["request-id"], within_s)
        self._await_end(job, within_s, f"job {job} has its savepoint {address}, but does not end")
        return address

    def cancel(self, job: str, within_s: float = CANCEL_WITHIN_S) -> None:
        """Cancel a job without a savepoint and wait until it has ended."""
        if self.detail(job).job.ended:
            return
        self._ask(f"/jobs/{job}?mode=cancel", method="PATCH")
        self._await_end(job, within_s, f"job {job} does not end")

    def refresh_metrics(self) -> bool:
        """Refresh the workers' metrics."""
        return metrics.refresh(self.address)

    def restarts(self, job: str) -> int:
        """How often it was restarted since its submission."""
        return metrics.restarts(self.address, job)

    def unread(self, job: str) -> int | None:
        """How many records in Kafka the sources have not read."""
        return metrics.unread(self.address, job, self.detail(job).vertices)

    def splits(self, job: str) -> list[Split]:
        """Every partition that the job reads."""
        return metrics.splits(self.address, job, self.detail(job).vertices)

    def _ask(self, path: str, body: dict[str, Any] | None = None, *, method: str | None = None) -> Any:
        return ask(self.address, path, body, method=method)

    def _await_end(self, job: str, within_s: float, otherwise: str) -> None:
        def late() -> ClusterError:
            return ClusterError(f"{otherwise} after {within_s:.0f} s", remedy="see its TaskManagers' logs")

        _wait_until(lambda: self.detail(job).job.ended, within_s, late)

    def _await_savepoint(self, job: str, request: str, within_s: float) -> str:
        name = self.detail(job).job.name

        def complete() -> Any:
            answer = self._ask(f"/jobs/{job}/savepoints/{request}")
            return answer["operation"] if answer["status"]["id"] == "COMPLETED" else None

        done = _wait_until(complete, within_s, lambda: savepoint_is_late(job, name, within_s))
        if failed := done.get("failure-cause"):
            raise no_savepoint(job, name, root_cause(failed["stack-trace"]))
        return str(done["location"])


def _state(vertex: dict[str, Any]) -> str:
    """The state of a vertex; if Flink reports RUNNING, the state of those of its subtasks that do not run.

    Subtasks that exchange no data start one by one, as slots become free, and Flink reports the vertex as
    RUNNING after the first one.
    """
    others = {s: n for s, n in vertex["tasks"].items() if n and s not in ("RUNNING", "FINISHED")}
    return (
        max(others, key=others.__getitem__)
        if vertex["status"] == "RUNNING" and others
        else str(vertex["status"])
    )


def no_savepoint(job: str, name: str, why: str) -> ClusterError:
    """The error for a savepoint that failed.

    Args:
        job: the id of the job.
        name: the name of the job.
        why: the root cause.
    """
    return ClusterError(
        f"no savepoint: {why}",
        where=f"job {job}",
        remedy=f"the job's state is untouched; headrace status {name} shows whether it still runs",
    )


def savepoint_is_late(job: str, name: str, within_s: float) -> ClusterError:
    """The error for a savepoint that is not complete in time, as :func:`no_savepoint`."""
    return ClusterError(
        f"the savepoint of job {job} was requested, but is not complete after {within_s:.0f} s",
        where=f"job {job}",
        remedy=f"it continues: headrace status {name} shows when the job has ended. If it does not,"
        " check whether the object store answers (headrace stack status), and the job's back pressure",
    )


def _into(key: str, target: str | None) -> dict[str, Any]:
    # The two requests spell the key differently, and Flink ignores unknown keys.
    return {key: target} if target else {}


def _wait_until(look: Callable[[], T], within_s: float, late: Callable[[], ClusterError]) -> T:
    deadline = time.monotonic() + within_s
    while not (value := look()):
        if time.monotonic() > deadline:
            raise late()
        time.sleep(POLL_S)
    return value


def _job(job: dict[str, Any]) -> Job:
    return Job(job["jid"], job["name"], job["state"], _moment(job["start-time"]))


def _completed(checkpoint: dict[str, Any]) -> CompletedCheckpoint:
    return CompletedCheckpoint(
        checkpoint["id"],
        checkpoint["external_path"],
        _moment(checkpoint["latest_ack_timestamp"]),
        checkpoint["is_savepoint"],
        checkpoint["state_size"],
    )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
