"""What a Flink cluster is told and what it says, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})
"""States that a job never leaves. SUSPENDED is not among them: another JobManager may go on."""

UP = frozenset({"RUNNING", "FINISHED"})
"""States of a job or an operator that has begun."""


@dataclass(frozen=True)
class Submission:
    """A job's ``main`` that is to be run by the cluster's client."""

    job: str
    """The job, as in jobs/JOB.py: what messages name."""
    module: str
    """The Python module that holds the ``main``."""
    savepoint: str | None = None
    """Restore this one; else ``main`` looks for the newest by itself."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What ``main`` is told in its environment."""


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
class Failure:
    """The newest failure of a job."""

    at: int
    """In the JobManager's milliseconds; zero if the job never failed."""
    cause: str
    """The root cause, on one line; empty if the job never failed."""


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
    """A completed checkpoint or savepoint."""

    id: int
    path: str
    at: datetime
    savepoint: bool
    state_bytes: int
    """Of all operators, sources and sinks among them; of an incremental one too, the whole."""


@dataclass(frozen=True)
class Checkpoints:
    """How a job's checkpoints go since this submission began."""

    completed: int
    failed: int
    last: Checkpoint | None
    """The newest completed checkpoint or savepoint."""


@dataclass(frozen=True)
class Triggered:
    """What has become of a checkpoint that was asked for."""

    checkpoint: int | None
    """Its number, once it is complete."""
    failure: str
    """Why it failed; empty while it is in progress."""


@dataclass(frozen=True)
class Split:
    """How far event time has come in one partition of a topic, as its reader knows it."""

    name: str
    """``<topic>-<partition>``, with underscores for the topic's dots."""
    watermark: datetime | None
    idle: bool
    """Silent for so long that nobody waits for it."""
    paused: bool
    """Too far ahead of the slowest (``maxDrift``), so not read; Flink says so where a reader has several."""


def event_time(found: Sequence[Split]) -> datetime | None:
    """Where the slowest of those is that are waited for. Operators' own watermarks tell silent ones' too."""
    return next((s.watermark for s in found if not s.idle), None)
