"""What a file in ``jobs/`` may say. A declaration is a value: no branches, no environment, no I/O."""

from __future__ import annotations

import importlib
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from headrace import project
from headrace.errors import HeadraceError, JobError, UsageError

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
        """``checkpoint_every`` as a duration."""
        return _interval(self.name, self.checkpoint_every)


@dataclass(frozen=True)
class Derive:
    """Topics' valid rows through SQL steps with keyed state into tables of their own.

    Args:
        reads: the contracts whose topics are read; each one's rows are a view of that name.
        steps: files in ``sql/<job>/``, one SELECT each, in this order.
        writes: the contracts of the results, which the last steps make, in this order; the first one names
            the job too.
        checkpoint_every: how often rows become publishable: ``500ms``, ``10s``, ``1min``.
        functions: Python functions that the steps call: the name in SQL → ``udfs.module.constant``.
    """

    reads: Sequence[str]
    steps: Sequence[str]
    writes: Sequence[str]
    checkpoint_every: str = "10s"
    functions: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The job's name."""
        return self.writes[0] if self.writes else ""

    @property
    def checkpoint_interval(self) -> timedelta:
        """``checkpoint_every`` as a duration."""
        return _interval(self.name, self.checkpoint_every)


Job = Ingest | Derive
"""What a file in ``jobs/`` declares."""


def _interval(job: str, text: str) -> timedelta:
    """A duration.

    Raises:
        JobError: it is not a number and a unit.
    """
    match = _EVERY.fullmatch(text)
    if not match:
        raise JobError(
            f"checkpoint_every={text!r} is not a duration",
            where=f"jobs/{job}.py",
            remedy="write a number and ms, s or min, as in 10s",
        )
    return int(match[1]) * _UNITS[match[2]]


def existing(name: str) -> Path:
    """The file of a job, unread: for commands that act on a running job, whose file may be broken by now.

    Raises:
        UsageError: there is no such file.
    """
    path = project.root() / "jobs" / f"{project.checked(name)}.py"
    if not path.is_file():
        known = ", ".join(project.job_names()) or "none"
        raise UsageError(f"there is no job {name!r}", where="jobs/", remedy=f"the jobs here are: {known}")
    return path


def find(name: str) -> Job:
    """The ``JOB`` of ``jobs/<name>.py``.

    Raises:
        UsageError: there is no such file.
        JobError: it raises, declares no job, or a job of another name.
    """
    path = existing(name)
    if str(project.root()) not in sys.path:
        sys.path.insert(0, str(project.root()))
    try:
        job = getattr(importlib.import_module(f"jobs.{name}"), "JOB", None)
    except HeadraceError:
        raise
    except (Exception, SystemExit) as e:
        # The file is the user's: whatever it raises is told as a fault of that file, not as one of headrace.
        raise _raised(e, path) from e
    where = f"jobs/{name}.py"
    if not isinstance(job, Ingest | Derive):
        raise JobError(
            "the file declares no job", where=where, remedy="write JOB = Ingest(…) or JOB = Derive(…)"
        )
    if isinstance(job, Derive) and not (job.reads and 0 < len(job.writes) <= len(job.steps)):
        raise JobError(
            "a derive job reads a contract and writes one or more, each made by a step",
            where=where,
            remedy="write JOB = Derive(reads=[…], steps=[…], writes=[…])",
        )
    functions = job.functions if isinstance(job, Derive) else {}
    if not isinstance(functions, Mapping) or not all(
        isinstance(v, str) for kv in functions.items() for v in kv
    ):
        raise JobError(
            "the functions of the job are not plain texts",
            where=where,
            remedy='write functions={"name": "udfs.module.constant"}',
        )
    if job.name != name:
        raise JobError(
            f"the job is named {job.name!r} by its contract",
            where=where,
            remedy=f"name the file jobs/{job.name}.py: one job a table",
        )
    return job


def _raised(e: BaseException, path: Path) -> JobError:
    """What a job file raised, at the innermost line of that file: below it are other people's modules."""
    trace = traceback.extract_tb(e.__traceback__)
    lines = [f.lineno for f in trace if Path(f.filename).resolve() == path.resolve()]
    said = str(e)
    if isinstance(e, SyntaxError):
        said = e.msg
        lines += [e.lineno] if e.filename and Path(e.filename).resolve() == path.resolve() else []
    said = " ".join(said.split())[:300]
    line = f":{lines[-1]}" if lines else ""
    return JobError(
        f"the file raises {type(e).__name__}" + (f": {said}" if said else ""),
        where=f"jobs/{path.name}{line}",
        remedy=f"correct it; `headrace check {path.stem}` reads it without running it",
    )
