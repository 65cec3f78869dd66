"""A cluster in memory, an equal of the real one: a test hands it in and says in plain calls what happens.

A job runs as soon as there are slots for it, and its checkpoints complete when they are asked for. Nothing
here passes by itself: a job fails, ends or waits because a test says so. The tests of the protocol run
against this cluster and against a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any

from headrace.cluster.model import (
    Checkpoint,
    Checkpoints,
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
class Started:
    """What a job's ``main`` hands to Flink."""

    name: str
    parallelism: int = 1
    configuration: Mapping[str, str] = field(default_factory=dict)


Main = Callable[[Submission], Started]
"""Stands for the ``main`` of every job: it raises the job's own error where the job refuses to start."""


def by_its_name(submission: Submission) -> Started:
    """A job of one subtask, which has the name of the submission's."""
    return Started(submission.job)


@dataclass
class _Job:
    id: str
    started: Started
    at: datetime
    state: str = "RUNNING"
    placed: bool = False
    """Whether its tasks have their slots."""
    failures: list[Failure] = field(default_factory=list)
    completed: list[Checkpoint] = field(default_factory=list)
    asked: int = 0
    """Checkpoints and savepoints so far, whatever became of them."""
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
        main: what a submission becomes.
        slots: of all TaskManagers together.
        taskmanagers: how many there are.
    """

    def __init__(self, main: Main = by_its_name, *, slots: int = 4, taskmanagers: int = 1) -> None:
        self.address = "memory:"
        self.main = main
        self.then: Callable[[str], object] = lambda _job: None
        """What happens next to a job that was submitted, such as :meth:`finish`."""
        self.write: Callable[[str, Checkpoint], object] = lambda _job, _done: None
        """What a job writes at a checkpoint, or a savepoint, that completes."""
        self.slots_in_all, self.taskmanagers = slots, taskmanagers
        self.submitted: list[Submission] = []
        """In order, also those that were refused."""
        self.silent = False
        """Nothing is answered while this is set."""
        self.unwritable: dict[str, str] = {}
        """Where a savepoint cannot go: the beginning of an address, and why."""
        self._jobs: dict[str, _Job] = {}
        self._requests: dict[tuple[str, str], Triggered] = {}
        """By job and request."""
        self._barriers_held = False

    # what a test says

    def fail(self, job: str, cause: str, *, for_good: bool = False) -> None:
        """Let a job fail by this cause; it starts again, unless it fails for good."""
        found = self._found(job)
        found.failures.append(Failure(len(found.failures) + 1, cause))
        if for_good:
            self._end(found, "FAILED")

    def finish(self, job: str) -> None:
        """Let a bounded job come to its end."""
        self._end(self._found(job), "FINISHED")

    def complete_checkpoint(self, job: str) -> Checkpoint:
        """Let a job take one of its own periodic checkpoints."""
        found = self._found(job)
        found.asked += 1
        self._checkpoint(found)
        return found.completed[-1]

    def hold_barriers(self) -> None:
        """Let no checkpoint complete from now on: those that are asked for stay in progress."""
        self._barriers_held = True

    def release_barriers(self) -> None:
        """Let checkpoints complete again, those in progress too."""
        self._barriers_held = False
        for (job, request), at in self._requests.items():
            if at == IN_PROGRESS:
                self._requests[job, request] = self._checkpoint(self._found(job))

    def lose_taskmanagers(self) -> None:
        """Let every TaskManager leave, with its slots."""
        self.taskmanagers = self.slots_in_all = 0
        for found in self._jobs.values():
            found.placed = False

    def add_taskmanager(self, slots: int) -> None:
        """Let a TaskManager with so many slots come: jobs that wait get theirs."""
        self.taskmanagers, self.slots_in_all = self.taskmanagers + 1, self.slots_in_all + slots
        self._place()

    def read(self, job: str, *, unread: int | None = None, splits: list[Split] | None = None) -> None:
        """Let the sources of a job report how far they have read."""
        found = self._found(job)
        found.unread, found.splits = unread, splits or []

    # the protocol

    def submit(self, submission: Submission, /) -> str:
        """Run the job's ``main``; the job runs at once if there are slots for it."""
        self._require_answer()
        self.submitted.append(submission)
        started = self.main(submission)
        made = _Job(f"{len(self._jobs) + 1:06x}{0:026x}", started, datetime.now(timezone.utc))
        self._jobs[made.id] = made
        self._place()
        self.then(made.id)
        return made.id

    def version(self) -> str:
        """That of the Flink that headrace runs on."""
        self._require_answer()
        return "2.3.0"

    def slots(self) -> Slots:
        """How many slots there are, and which jobs hold them."""
        self._require_answer()
        held = {j.id: j.started.parallelism for j in self._jobs.values() if j.placed}
        return Slots(self.taskmanagers, self.slots_in_all, held)

    def jobs(self) -> list[Job]:
        """All jobs, the newest first."""
        self._require_answer()
        return [found.job() for found in reversed(self._jobs.values())]

    def detail(self, job: str, /) -> JobDetail:
        """One job with its vertices."""
        found = self._found(job)
        return JobDetail(found.job(), found.vertices())

    def configuration(self, job: str, /) -> dict[str, str]:
        """What its ``main`` has set."""
        return dict(self._found(job).started.configuration)

    def failure(self, job: str, /) -> Failure:
        """The newest one that a test has told."""
        return (self._found(job).failures or [Failure(0, "")])[-1]

    def checkpoints(self, job: str, /) -> Checkpoints:
        """How its checkpoints go."""
        found = self._found(job)
        return Checkpoints(
            len(found.completed), found.declined, found.completed[-1] if found.completed else None
        )

    def checkpoint_settings(self, job: str, /) -> dict[str, Any]:
        """Those that headrace sets."""
        self._found(job)
        return {"mode": "exactly_once", "unaligned_checkpoints": False}

    def trigger_checkpoint(self, job: str, /) -> str:
        """Ask for a checkpoint, which completes at once unless barriers are held."""
        self._require_answer()
        request = f"{len(self._requests) + 1:032x}"
        self._requests[job, request] = self._asked(job)
        return request

    def triggered(self, job: str, request: str, /) -> Triggered:
        """What has become of that request."""
        self._require_answer()
        if (job, request) not in self._requests:
            raise _unknown(f"Operation not found under key {request}", job)
        return self._requests[job, request]

    def unacknowledged(self, job: str, /) -> list[str]:
        """All operators, while barriers are held."""
        found = self._found(job)
        open_ = any(of == job and at == IN_PROGRESS for (of, _), at in self._requests.items())
        return [v.name for v in found.vertices()] if open_ else []

    def savepoint(self, job: str, /, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
        """Take a savepoint at once, or refuse it."""
        found = self._found(job)
        found.asked += 1
        place = target or "memory:/savepoints"
        why = next((why for start, why in self.unwritable.items() if place.startswith(start)), "")
        if refused := why if found.placed else NOT_RUNNING:
            found.declined += 1
            raise no_savepoint(job, found.started.name, refused)
        if self._barriers_held:
            raise savepoint_is_late(job, found.started.name, within_s)
        path = f"{place}/savepoint-{job[:6]}-{found.asked:012x}"
        return self._complete(found, path, savepoint=True).path

    def stop(self, job: str, /, target: str | None = None, within_s: float = SAVEPOINT_WITHIN_S) -> str:
        """Take a savepoint, and end the job."""
        address = self.savepoint(job, target, within_s)
        self._end(self._found(job), "FINISHED")
        return address

    def cancel(self, job: str, /, within_s: float = CANCEL_WITHIN_S) -> None:  # noqa: ARG002 - it ends at once
        """End a job that has not ended."""
        found = self._found(job)
        if found.state == "RUNNING":
            self._end(found, "CANCELED")

    def refresh_metrics(self) -> bool:
        """Whether a worker is there to answer."""
        self._require_answer()
        return self.taskmanagers > 0

    def restarts(self, job: str, /) -> int:
        """How often it has failed and gone on."""
        found = self._found(job)
        return len(found.failures) - (found.state == "FAILED")

    def unread(self, job: str, /) -> int | None:
        """What a test has told."""
        return self._found(job).unread

    def splits(self, job: str, /) -> list[Split]:
        """What a test has told."""
        return self._found(job).splits

    # how it goes

    def _found(self, job: str) -> _Job:
        self._require_answer()
        if job not in self._jobs:
            raise _unknown(f"Could not find Flink job ({job})", job)
        return self._jobs[job]

    def _require_answer(self) -> None:
        if self.silent:
            raise ClusterError("Flink does not answer: it is silent", where=self.address)

    def _place(self) -> None:
        """Give free slots to the jobs that wait for some, the oldest first."""
        for found in self._jobs.values():
            free = self.slots_in_all - sum(j.started.parallelism for j in self._jobs.values() if j.placed)
            if found.state == "RUNNING" and not found.placed and found.started.parallelism <= free:
                found.placed = True

    def _end(self, found: _Job, state: str) -> None:
        found.state, found.placed = state, False
        self._place()

    def _asked(self, job: str) -> Triggered:
        """What becomes of a checkpoint that is asked for; Flink takes the request for any job at all."""
        if job not in self._jobs:
            return Triggered(None, f"Could not find Flink job ({job})")
        found = self._jobs[job]
        found.asked += 1
        if not found.placed:
            found.declined += 1
            return Triggered(None, NOT_RUNNING)
        return IN_PROGRESS if self._barriers_held else self._checkpoint(found)

    def _checkpoint(self, found: _Job) -> Triggered:
        path = f"memory:/checkpoints/{found.id}/chk-{found.asked}"
        return Triggered(self._complete(found, path, savepoint=False).id, "")

    def _complete(self, found: _Job, path: str, *, savepoint: bool) -> Checkpoint:
        done = Checkpoint(found.asked, path, datetime.now(timezone.utc), savepoint, 0)
        self.write(found.id, done)
        found.completed.append(done)
        return done


def _unknown(what: str, job: str) -> ClusterError:
    return ClusterError(f"Flink says no: {what}", where=f"job {job}", status=HTTPStatus.NOT_FOUND.value)
