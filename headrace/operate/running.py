"""Which Flink jobs currently run a job, or a replay of it."""

from __future__ import annotations

from headrace.cluster import Job as FlinkJob
from headrace.ledger import replays
from headrace.ledger.decisions import StandingDecisions
from headrace.operate.workspace import Workspace


def live_jobs(workspace: Workspace, job: str, *, rolled_back: bool = False) -> list[FlinkJob]:
    """The Flink jobs that run the job now: not ended, and not the fork of an unpublished replay.

    Args:
        workspace: where the job runs.
        job: its name.
        rolled_back: include the forks of replays that were rolled back.
    """
    running = [
        (j, replay)
        for j in workspace.cluster.jobs()
        for name, replay in [replays.of_flink_name(j.name)]
        if name == job and not j.ended
    ]
    if not any(replay for _, replay in running):
        return [j for j, _ in running]
    standing = StandingDecisions.of(workspace.ledger(job).decisions())
    published = {*standing.published_replays, *(standing.rolled_back if rolled_back else ())}
    return [j for j, replay in running if replay is None or replay in published]


def forks_of(workspace: Workspace, job: str, replay: int) -> list[FlinkJob]:
    """The Flink jobs of a replay that have not ended."""
    wanted = replays.flink_name(job, replay)
    return [j for j in workspace.cluster.jobs() if j.name == wanted and not j.ended]
