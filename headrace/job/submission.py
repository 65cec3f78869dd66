"""The submissions for a cluster's client: which ``main`` it runs, and with which environment.

:mod:`headrace.job.start.submit` and :mod:`headrace.job.judge` read that environment.
"""

from __future__ import annotations

from headrace.cluster import Submission
from headrace.job.start.submit import PATCH, REPLAY


def of_job(job: str, savepoint: str | None = None) -> Submission:
    """The submission of a job, which restores a savepoint if one is given."""
    return Submission(job, f"jobs.{job}", savepoint)


def of_replay(job: str, replay: int) -> Submission:
    """The submission of a job as the fork of a replay."""
    return Submission(job, f"jobs.{job}", environment={REPLAY: str(replay)})


def of_patch(job: str, patch: int, submission: str) -> Submission:
    """The submission of the bounded job that judges a patch; its files are in a folder with that name."""
    return Submission(job, "headrace.job.judge", environment={PATCH: f"{job} {patch} {submission}"})
