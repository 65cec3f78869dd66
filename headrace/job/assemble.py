"""From a job's name or declaration to its program: the contracts and the SQL it names are read here."""

from __future__ import annotations

from headrace.contract.load import load_named
from headrace.errors import JobError
from headrace.job.declaration import Derive, Job, find
from headrace.job.derive import DeriveProgram
from headrace.job.ingest import IngestProgram
from headrace.job.program import Program
from headrace.table.steps import read_step


def named(job: str) -> Program:
    """The program of ``jobs/<job>.py``."""
    return assemble(find(job))


def assemble(job: Job) -> Program:
    """The program of a declaration.

    Raises:
        ContractError: a contract that it names is wrong, or not there.
        JobError: a step is wrong, or the contracts do not fit the job.
    """
    if not isinstance(job, Derive):
        return IngestProgram(job, load_named(job.contract))
    read = load_named(job.reads[0])
    if read.event_time is None or read.watermark_delay is None or read.max_future is None:
        raise JobError(
            f"contract {read.id} does not say how its event time advances",
            where=f"jobs/{job.name}.py",
            remedy="a derive job needs its eventTime, watermarkDelay, and maxFuture: else one absurd record"
            " would close every window",
        )
    steps = tuple(read_step(job.name, name) for name in job.steps)
    return DeriveProgram(job, load_named(job.writes[0]), read, steps)
