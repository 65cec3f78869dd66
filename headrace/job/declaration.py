"""What a file in ``jobs/`` may declare. A declaration is a value: no branches, no environment, no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from headrace.errors import JobError

_EVERY = re.compile(r"([1-9]\d*)(ms|s|min)")
_UNITS = {"ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "min": timedelta(minutes=1)}


@dataclass(frozen=True)
class Ingest:
    """One topic into one table and its quarantine; stateless, so running it again gives the same rows.

    Args:
        contract: id of the contract in ``contracts/``; also the name of the job.
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
        writes: the contracts of the results, which the last steps produce, in this order; the first one also
            names the job.
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
