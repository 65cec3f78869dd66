"""What is sent to a Flink cluster and what it reports, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})
"""Final states of a job. SUSPENDED is not among them: another JobManager may resume it."""

UP = frozenset({"RUNNING", "FINISHED"})
"""States of a job or an operator that has started."""


@dataclass(frozen=True)
class Submission:
    """A job's ``main`` for the cluster's client to run."""

    job: str
    """The job's name, as in jobs/JOB.py, for messages."""
    module: str
    """The Python module with the ``main``."""
    savepoint: str | None = None
    """Restore this one; if None, ``main`` finds the newest itself."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables for ``main``."""


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
        """Whether every task is running or finished: a job is RUNNING before its tasks are."""
        return self.job.state in UP and all(v.state in UP for v in self.vertices)


@dataclass(frozen=True)
class Failure:
    """The newest failure of a job."""

    at: int
    """In the JobManager's milliseconds; zero if the job never failed."""
    cause: str
    """The root cause, on one line; empty if the job never failed."""


@dataclass(frozen=True)
class Slots:
    """The cluster's task slots: a job needs as many as its widest operator has subtasks."""

    taskmanagers: int
    total: int
    held: dict[str, int]
    """The number of slots held, by job id."""

    def free_for(self, job: str) -> int:
        """The slots that no other job holds."""
        return self.total - sum(n for other, n in self.held.items() if other != job)


@dataclass(frozen=True)
class CompletedCheckpoint:
    """A completed checkpoint or savepoint."""

    id: int
    path: str
    at: datetime
    savepoint: bool
    state_bytes: int
    """Of all operators, including sources and sinks; the full size, even of an incremental checkpoint."""


@dataclass(frozen=True)
class Checkpoints:
    """A job's checkpoints since its submission."""

    completed: int
    failed: int
    last: CompletedCheckpoint | None
    """The newest completed checkpoint or savepoint."""


@dataclass(frozen=True)
class Triggered:
    """The outcome so far of a requested checkpoint."""

    checkpoint: int | None
    """Its number, once it is complete."""
    failure: str
    """Why it failed; empty while it is in progress."""


@dataclass(frozen=True)
class Split:
    """How far event time has advanced in one partition of a topic, as its reader reports it."""

    name: str
    """``<topic>-<partition>``, with underscores for the topic's dots."""
    watermark: datetime | None
    idle: bool
    """Whether it has been silent for so long that event time does not wait for it."""
    paused: bool
    """Whether reading is paused because it is too far ahead of the slowest (``maxDrift``); Flink reports this
    only where a reader has several partitions."""


def event_time(splits: Sequence[Split]) -> datetime | None:
    """The watermark of the slowest split that is not idle. Operators' own watermarks include idle ones."""
    return next((s.watermark for s in splits if not s.idle), None)
