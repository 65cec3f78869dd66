"""What a file in ``jobs/`` may say. A declaration is a value: no branches, no environment, no I/O."""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass
from datetime import timedelta

from headrace import project
from headrace.errors import JobError

_EVERY = re.compile(r"([1-9]\d*)(ms|s|min)")
_UNITS = {"ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "min": timedelta(minutes=1)}


@dataclass(frozen=True)
class Ingest:
    """One topic into one table and its quarantine; stateless, so running it again gives the same rows.

    Args:
        contract: id of the contract in ``contracts/``; names the job too.
        checkpoint_every: how often rows become publishable: ``500ms``, ``10s``, ``1min``.
    """

    contract: str
    checkpoint_every: str = "10s"

    @property
    def name(self) -> str:
        """The job's name."""
        return self.contract

    @property
    def checkpoint_interval(self) -> timedelta:
        """``checkpoint_every`` as a duration.

        Raises:
            JobError: it is not a number and a unit.
        """
        match = _EVERY.fullmatch(self.checkpoint_every)
        if not match:
            raise JobError(
                f"checkpoint_every={self.checkpoint_every!r} is not a duration",
                where=f"jobs/{self.name}.py",
                remedy="write a number and ms, s or min, as in 10s",
            )
        return int(match[1]) * _UNITS[match[2]]


def find(name: str) -> Ingest:
    """The ``JOB`` of ``jobs/<name>.py``.

    Raises:
        JobError: there is no such file, it declares no job, or a job of another name.
    """
    path = project.root() / "jobs" / f"{project.checked(name)}.py"
    if not path.is_file():
        known = ", ".join(project.job_names()) or "none"
        raise JobError(f"there is no job {name!r}", where="jobs/", remedy=f"the jobs here are: {known}")
    if str(project.root()) not in sys.path:
        sys.path.insert(0, str(project.root()))
    job = getattr(importlib.import_module(f"jobs.{name}"), "JOB", None)
    if not isinstance(job, Ingest):
        raise JobError(
            "the file declares no job", where=f"jobs/{name}.py", remedy='write JOB = Ingest(contract="…")'
        )
    if job.name != name:
        raise JobError(
            f"the job is named {job.name!r} by its contract",
            where=f"jobs/{name}.py",
            remedy=f"name the file jobs/{job.name}.py: one ingest job a contract",
        )
    return job
