"""Which Flink jobs currently run a job, or a replay of it."""

from __future__ import annotations

from headrace.cluster import Job as FlinkJob
from headrace.ledger import replays
from headrace.ledger.decisions import StandingDecisions
from headrace.operate.workspace import OpenJob


def live_jobs(job: OpenJob, *, rolled_back: bool = False) -> list[FlinkJob]:
    """The Flink jobs that run a job now: not ended, and not the fork of an unpublished replay.

    Args:
        job: the job.
        rolled_back: include the forks of replays that were rolled back.
    """
    running = [
        (flink_job, replay)
        for flink_job in job.cluster.jobs()
        for name, replay in [replays.of_flink_name(flink_job.name)]
        if name == job.name and not flink_job.ended
    ]
    if not any(replay for _, replay in running):
        return [flink_job for flink_job, _ in running]
    standing = StandingDecisions.of(job.ledger.decisions())
    published = {*standing.published_replays, *(standing.rolled_back if rolled_back else ())}
    return [flink_job for flink_job, replay in running if replay is None or replay in published]


def forks_of(job: OpenJob, replay: int) -> list[FlinkJob]:
    """The Flink jobs of a replay that have not ended."""
    wanted = replays.flink_name(job.name, replay)
    return [j for j in job.cluster.jobs() if j.name == wanted and not j.ended]
