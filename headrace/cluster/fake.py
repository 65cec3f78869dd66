"""A cluster in memory with the same protocol as a real one: tests pass it in and control what happens.

A job runs as soon as there are slots for it, and its checkpoints complete when they are requested. Nothing
happens on its own: a job fails, ends or waits because a test makes it. The tests of the protocol run against
this cluster and against a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http import HTTPStatus

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
from headrace.cluster.session import no_savepoint, savepoint_is_late
from headrace.errors import ClusterError

IN_PROGRESS = Triggered(None, "")
NOT_RUNNING = "Not all required tasks are currently running."


@dataclass(frozen=True)
class SubmittedJob:
    """What a job's ``main`` hands to Flink."""

    name: str
    parallelism: int = 1
    configuration: Mapping[str, str] = field(default_factory=dict)


Main = Callable[[Submission], SubmittedJob]
"""The ``main`` of every job: it raises the job's own error if the job refuses to start."""


def with_its_name(submission: Submission) -> SubmittedJob:
    """A job with one subtask and the name of the submitted job."""
    return SubmittedJob(submission.job)


@dataclass
class _Job:
    id: str
    started: SubmittedJob
    at: datetime
    state: str = "RUNNING"
    placed: bool = False
    """Whether its tasks have their slots."""
    failures: list[Failure] = field(default_factory=list)
    completed: list[CompletedCheckpoint] = field(default_factory=list)
    requested: int = 0
    """Checkpoints and savepoints requested so far, whatever their outcome."""
    declined: int = 0
    splits: list[Split] = field(default_factory=list)
    unread: int | None = None

    def job(self) -> Job:
        return Job(self.id, self.started.name, self.state, self.at)

    def vertices(self) -> tuple[Vertex, ...]:
        state = ("RUNNING" if self.placed else "SCHEDULED") if self.state == "RUNNING" else self.state
        names = ("Source: records", "Sink: files")
        return tuple(
            Vertex(f"{n:032x}", name, self.started.parallelism, state) for n, name in enumerate(names)
        )


class FakeCluster:
    """A cluster in memory.

    Args:
        main: turns a submission into a job.
        slots: the total of all TaskManagers.
        taskmanagers: how many there are.
    """

    def __init__(self, main: Main = with_its_name, *, slots: int = 4, taskmanagers: int = 1) -> None:
        self.address = "memory:"
        self.main = main
        self.then: Callable[[str], object] = lambda _job: None
        """Called with the id of each submitted job, such as :meth:`finish`."""
        self.write: Callable[[str, CompletedCheckpoint], object] = lambda _job, _done: None
        """Called with each checkpoint or savepoint that completes: what the job writes."""
        self.slots_in_all, self.taskmanagers = slots, taskmanagers
        self.submitted: list[Submission] = []
        """In order, including those that were refused."""
        self.silent = False
        """While this is set, no question is answered."""
        self.unwritable: dict[str, str] = {}
        """Where savepoints fail: the prefix of an address, and why."""
        self._jobs: dict[str, _Job] = {}
        self._requests: dict[tuple[str, str], Triggered] = {}
        """By job and request."""
        self._barriers_held = False

    # for tests

    def fail(self, job: str, cause: str, *, for_good: bool = False) -> None:
        """Let a job fail with this cause; it restarts, unless it fails for good."""
        known = self._known(job)
        known.failures.append(Failure(len(known.failures) + 1, cause))
        if for_good:
            self._end(known, "FAILED")

    def finish(self, job: str) -> None:
        """Let a bounded job finish."""
        self._end(self._known(job), "FINISHED")

    def complete_checkpoint(self, job: str) -> CompletedCheckpoint:
        """Let a job take one of its own periodic checkpoints."""
        known = self._known(job)
        known.requested += 1
        self._checkpoint(known)
        return known.completed[-1]

    def hold_barriers(self) -> None:
        """Let no checkpoint complete from now on: requested ones stay in progress."""
        self._barriers_held = True

    def release_barriers(self) -> None:
        """Let checkpoints complete again, including those in progress."""
        self._barriers_held = False
        for (job, request), at in self._requests.items():
            if at == IN_PROGRESS:
                self._requests[job, request] = self._checkpoint(self._known(job))

    def lose_taskmanagers(self) -> None:
        """Let every TaskManager leave, with its slots."""
        self.taskmanagers = self.slots_in_all = 0
        for known in self._jobs.values():
            known.placed = False

    def add_taskmanager(self, slots: int) -> None:
        """Add a TaskManager with this many slots: waiting jobs get theirs."""
        self.taskmanagers, self.slots_in_all = self.taskmanagers + 1, self.slots_in_all + slots
        self._place()

    def read(self, job: str, *, unread: int | None = None, splits: list[Split] | None = None) -> None:
        """Let the sources of a job report how far they have read."""
        known = self._known(job)
        known.unread, known.splits = unread, splits or []

    # the protocol

    def submit(self, submission: Submission, /) -> str:
        """Run the job's ``main``; the job starts at once if there are slots for it."""
        self._require_answer()
        self.submitted.append(submission)
        started = self.main(submission)
        job = _Job(f"{len(self._jobs) + 1:06x}{0:026x}", started, datetime.now(timezone.utc))
        self._jobs[job.id] = job
        self._place()
        self.then(job.id)
        return job.id

    def version(self) -> str:
        """The version of Flink that headrace runs on."""
        self._require_answer()
        return "2.3.0"

    def slots(self) -> Slots:
        """How many slots there are, and which jobs hold them."""
        self._require_answer()
        held = {j.id: j.started.parallelism for j in self._jobs.values() if j.placed}
        return Slots(self.taskmanagers, self.slots_in_all, held)

    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        self._require_answer()
        return [known.job() for known in reversed(self._jobs.values())]

    def detail(self, job: str, /) -> JobDetail:
        """One job with its vertices."""
        known = self._known(job)
        return JobDetail(known.job(), known.vertices())

    def configuration(self, job: str, /) -> dict[str, str]:
        """The parameters that its ``main`` has set."""
        return dict(self._known(job).started.configuration)

    def failure(self, job: str, /) -> Failure:
        """The most recent failure that a test has caused."""
        return (self._known(job).failures or [Failure(0, "")])[-1]

    def checkpoints(self, job: str, /) -> Checkpoints:
        """Its checkpoints since its submission."""
        known = self._known(job)
        return Checkpoints(
            len(known.completed), known.declined, known.completed[-1] if known.completed else None
        )

    def trigger_checkpoint(self, job: str, /) -> str:
        """Request a checkpoint, which completes at once unless barriers are held."""
        self._require_answer()
        request = f"{len(self._requests) + 1:032x}"
        self._requests[job, request] = self._request_checkpoint(job)
        return request

    def triggered(self, job: str, request: str, /) -> Triggered:
        """The outcome so far of that request."""
        self._require_answer()
        if (job, request) not in self._requests:
            raise _unknown(f"Operation not known under key {request}", job)
        return self._requests[job, request]

    def unacknowledged(self, job: str, /) -> list[str]:
        """All operators, while barriers are held."""
        known = self._known(job)
        open_ = any(of == job and at == IN_PROGRESS for (of, _), at in self._requests.items())
        return [v.name for v in known.vertices()] if open_ else []

    def savepoint(self, job: str, /, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
        """Take a savepoint at once, or fail."""
        known = self._known(job)
        known.requested += 1
        place = target or "memory:/savepoints"
        why = next((why for start, why in self.unwritable.items() if place.startswith(start)), "")
        if refused := why if known.placed else NOT_RUNNING:
            known.declined += 1
            raise no_savepoint(job, known.started.name, refused)
        if self._barriers_held:
            raise savepoint_is_late(job, known.started.name, within_s)
        path = f"{place}/savepoint-{job[:6]}-{known.requested:012x}"
        return self._complete(known, path, savepoint=True).path

    def stop(self, job: str, /, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
        """Take a savepoint, and end the job."""
        address = self.savepoint(job, target, within_s)
        self._end(self._known(job), "FINISHED")
        return address

    def cancel(self, job: str, /, within_s: float = CANCEL_WITHIN_S) -> None:  # noqa: ARG002 - it ends at once
        """End a job that has not ended."""
        known = self._known(job)
        if known.state == "RUNNING":
            self._end(known, "CANCELED")

    def refresh_metrics(self) -> bool:
        """Whether a worker is there to answer."""
        self._require_answer()
        return self.taskmanagers > 0

    def restarts(self, job: str, /) -> int:
        """How often it has failed and restarted."""
        known = self._known(job)
        return len(known.failures) - (known.state == "FAILED")

    def unread(self, job: str, /) -> int | None:
        """The value that a test has set."""
        return self._known(job).unread

    def splits(self, job: str, /) -> list[Split]:
        """The value that a test has set."""
        return self._known(job).splits

    # internals

    def _known(self, job: str) -> _Job:
        self._require_answer()
        if job not in self._jobs:
            raise _unknown(f"Could not find Flink job ({job})", job)
        return self._jobs[job]

    def _require_answer(self) -> None:
        if self.silent:
            raise ClusterError("Flink does not answer: it is silent", where=self.address)

    def _place(self) -> None:
        """Give free slots to waiting jobs, oldest first."""
        for known in self._jobs.values():
            free = self.slots_in_all - sum(j.started.parallelism for j in self._jobs.values() if j.placed)
            if known.state == "RUNNING" and not known.placed and known.started.parallelism <= free:
                known.placed = True

    def _end(self, known: _Job, state: str) -> None:
        known.state, known.placed = state, False
        self._place()

    def _request_checkpoint(self, job: str) -> Triggered:
        """Request a checkpoint; like Flink, this accepts the request for any job, even an unknown one."""
        if job not in self._jobs:
            return Triggered(None, f"Could not find Flink job ({job})")
        known = self._jobs[job]
        known.requested += 1
        if not known.placed:
            known.declined += 1
            return Triggered(None, NOT_RUNNING)
        return IN_PROGRESS if self._barriers_held else self._checkpoint(known)

    def _checkpoint(self, known: _Job) -> Triggered:
        path = f"memory:/checkpoints/{known.id}/chk-{known.requested}"
        return Triggered(self._complete(known, path, savepoint=False).id, "")

    def _complete(self, known: _Job, path: str, *, savepoint: bool) -> CompletedCheckpoint:
        checkpoint = CompletedCheckpoint(known.requested, path, datetime.now(timezone.utc), savepoint, 0)
        self.write(known.id, checkpoint)
        known.completed.append(checkpoint)
        return checkpoint


def _unknown(what: str, job: str) -> ClusterError:
    return ClusterError(f"Flink refused: {what}", where=f"job {job}", status=HTTPStatus.NOT_FOUND.value)
