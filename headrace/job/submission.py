"""What a cluster's client is told of a start: which ``main`` it runs, and what that finds in its environment.

:mod:`headrace.job.start.submit` and :mod:`headrace.job.judge` are the other side of it.
"""

from __future__ import annotations

from headrace.cluster import Submission
from headrace.job.start.submit import PATCH, REPLAY


def of_job(job: str, savepoint: str | None = None) -> Submission:
    """A start of a job, which restores a savepoint if one is given."""
    return Submission(job, f"jobs.{job}", savepoint)


def of_replay(job: str, replay: int) -> Submission:
    """A start of a job as the fork of a replay."""
    return Submission(job, f"jobs.{job}", environment={REPLAY: str(replay)})


def of_patch(job: str, patch: int, submission: str) -> Submission:
    """A start of the bounded job that judges a patch; its files stand under the name of the submission."""
    return Submission(job, "headrace.job.judge", environment={PATCH: f"{job} {patch} {submission}"})
