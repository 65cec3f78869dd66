"""Compare a job's published tables at an earlier time with the tables now, or at another time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headrace.errors import UsageError
from headrace.ledger.published import requested_batch
from headrace.ledger.records import DONE
from headrace.operate.workspace import Workspace
from headrace.progress import Progress, silent
from headrace.replay.compare import Diff
from headrace.replay.diff import batch_diff

Side = int | datetime
"""The number of a batch, or a time, which means the newest batch at that time."""


@dataclass(frozen=True)
class BatchDiff:
    """What changed in a job's tables from one batch to another."""

    job: str
    first: int
    last: int
    diff: Diff

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {"job": self.job, "from": self.first, "to": self.last, **self.diff.to_json()}


def diff_batches(
    workspace: Workspace,
    job: str,
    begin: Side,
    end: Side | None = None,
    *,
    samples: int = 5,
    progress: Progress = silent,
) -> BatchDiff:
    """Compare the tables as one batch left them with the tables as another one left them.

    Args:
        workspace: of the environment.
        job: the job, as in jobs/JOB.py.
        begin: the older side.
        end: the newer one; None for the tables as they are.
        samples: how many changed records to include.
        progress: called with what is being read.

    Raises:
        UsageError: there is no such job or batch, the sides are in the wrong order, or the tables no longer
            reach back that far.
    """
    open_job = workspace.job(job)
    ledger = open_job.ledger

    def batch(side: Side | None) -> int | None:
        if isinstance(side, datetime):
            return requested_batch(ledger, None, side)
        return requested_batch(ledger, side, None)

    first, last = batch(begin) or 0, batch(end) or ledger.newest(DONE)
    if last < first:
        raise UsageError(f"batch {last} comes before batch {first}", remedy="begin with the older one")
    progress(what="comparing rows")
    return BatchDiff(job, first, last, batch_diff(ledger, open_job.program, first, last, samples))
