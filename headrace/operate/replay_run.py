"""Run a replay: start its fork beside the live job, and follow it until it has caught up with the branch."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from headrace.cluster.ready import WITHIN_S, Unready
from headrace.errors import ClusterError
from headrace.job.submission import of_replay
from headrace.ledger import replays
from headrace.ledger.records import Replay
from headrace.operate.parts.flink_jobs import forks_of
from headrace.operate.parts.unready import not_ready_error
from headrace.operate.start import await_start, submit
from headrace.operate.workspace import OpenJob, Workspace
from headrace.progress import Progress, silent
from headrace.replay.catch_up import CatchUp, read_catch_up

LOOK_S = 1.0
"""A checkpoint comes every few seconds: looking more often shows nothing new."""
FOLLOW_S = 3600.0
CATCHING_UP = "the fork catches up with the branch"


@dataclass(frozen=True)
class ReplayRun:
    """How far a replay's fork has read."""

    job: str
    replay: int
    flink_job: str
    """The Flink job of the fork."""
    read: int
    """Offsets that it has read, of those that the branch holds after the fork point."""
    records: int
    """Offsets that the branch holds there."""
    caught_up: bool

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return asdict(self)


def run_replay(
    workspace: Workspace,
    job: str,
    replay: int,
    *,
    follow: bool = True,
    follow_s: float = FOLLOW_S,
    start_s: float = WITHIN_S,
    progress: Progress = silent,
) -> ReplayRun:
    """Submit a replay's fork, unless it is running, and follow it until it has caught up. Safe to repeat.

    Args:
        workspace: where it is to run.
        job: the job, as in jobs/JOB.py.
        replay: its number.
        follow: if false, only wait until it has started.
        follow_s: how many seconds to follow it at most.
        start_s: how many seconds its tasks may take to run.
        progress: called with how many offsets are read.

    Raises:
        UsageError: there is no such job or replay, or it is published or was aborted.
        ClusterError: the fork does not begin, ends, or has not caught up within the deadline.
    """
    open_job = workspace.job(job)
    planned = replays.require_open(open_job.ledger, replay)
    running = forks_of(open_job, replay)
    flink_id = running[0].id if running else _submit_fork(open_job, replay, progress)
    state = await_start(open_job, flink_id, start_s, f"starting the fork of {job}", progress)
    # A fork whose tasks run is followed: its first checkpoint may take long if there is much to read.
    if isinstance(state, Unready) and not (state.final or state.tasks_run):
        raise not_ready_error(
            open_job,
            flink_id,
            state,
            start_s,
            "the fork stays",
            f"headrace replay run {job} {replay} waits further;"
            f" headrace replay abort {job} {replay} --why TEXT ends it",
        )
    at = _follow(open_job, planned, flink_id, follow_s, progress) if follow else _look(open_job, planned)
    read, records = at.records
    return ReplayRun(job, replay, flink_id, read, records, at.caught_up)


def _submit_fork(job: OpenJob, replay: int, progress: Progress) -> str:
    progress(what=f"submitting the fork of {job.name}")
    return submit(job, of_replay(job.name, replay))


def _look(job: OpenJob, planned: Replay) -> CatchUp:
    return read_catch_up(job.ledger.warehouse, job.ledger, job.program, planned)


def _follow(job: OpenJob, planned: Replay, flink_id: str, within_s: float, progress: Progress) -> CatchUp:
    """Wait until the fork has come as far as the branch; a fork that ends before that is an error."""
    deadline = time.monotonic() + within_s
    progress(what=CATCHING_UP)
    while not (at := _look(job, planned)).caught_up:
        read, records = at.records
        progress(completed=read, total=records, what=CATCHING_UP)
        state = _require_alive(job, planned.number, flink_id, progress)
        if time.monotonic() > deadline:
            raise ClusterError(
                f"the fork did not catch up within {within_s:.0f} s: {read:,} of {records:,} offsets read",
                where=f"Flink job {flink_id}, {state}",
                remedy=f"it keeps running; headrace replay run {job.name} {planned.number} follows it again",
            )
        time.sleep(LOOK_S)
    return at


def _require_alive(job: OpenJob, replay: int, flink_id: str, progress: Progress) -> str:
    """The state of a fork's Flink job, which must not have ended."""
    cluster = job.cluster
    detail = cluster.detail(flink_id)
    if not detail.running:
        progress(what=f"the fork is not running now: it is {detail.job.state}")
    if detail.job.ended:
        raise ClusterError(
            f"the fork ended before it caught up: {detail.job.state}",
            where=f"Flink job {flink_id}: {cluster.failure(flink_id).cause or 'cancelled'}",
            remedy=f"headrace replay run {job.name} {replay} continues from its newest"
            f" checkpoint; headrace replay abort {job.name} {replay} --why TEXT"
            " aborts it",
        )
    return detail.job.state
