"""What several use cases require before they begin."""

from __future__ import annotations

from headrace.errors import UsageError
from headrace.job.assemble import named
from headrace.job.job_file import existing
from headrace.job.program import Program


def require_reason(why: str) -> None:
    """Refuse to change published rows without a reason: the next operator will ask for it.

    Raises:
        UsageError: there is no reason.
    """
    if not why.strip():
        raise UsageError("this needs a reason", remedy='add --why "…": the next operator will read it')


def ingest_program(job: str) -> Program:
    """The program of an ingest job.

    Raises:
        UsageError: there is no such job, or it is a derive job, whose rows are not records of a topic.
    """
    existing(job)
    program = named(job)
    if program.contract.kind == "derive":
        raise UsageError(
            f"job {job} writes a derived table: its rows are not records that could be judged again",
            remedy=f"a replay computes them again: headrace anchor ls {job} lists where one can begin",
        )
    return program
