"""Make a replay's fork the branch in one batch, roll that back, or abort it; and cancel the other job."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from headrace.cluster.ready import why_not_running
from headrace.errors import DecisionNeeded, UsageError
from headrace.ledger import replays
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.patch_history import PatchHistory
from headrace.ledger.records import Replay
from headrace.operate.parts.flink_jobs import forks_of, live_jobs
from headrace.operate.parts.reason import require_reason
from headrace.operate.replay_plan import patches_ended_by
from headrace.operate.workspace import OpenJob, Workspace
from headrace.progress import Progress, silent
from headrace.publish.publisher import Published
from headrace.publish.replace import NothingSealed, Replacer

LOOK_S = 1.0
"""A checkpoint comes every few seconds: looking more often shows nothing new."""
SWAP_S = 600.0


@dataclass(frozen=True)
class SwappedReplay:
    """A published replay: its fork is the branch now."""

    job: str
    replay: int
    batch: int
    versions: dict[str, int]
    """Table → the version that the newest batch made."""
    live: list[str]
    """The Flink jobs of the fork."""
    cancelled: list[str]
    """The Flink jobs of the old branch."""
    patches: list[str]
    """Patches that it has overwritten, in whole or in part."""
    stale: tuple[str, ...]
    """Tables that were computed from what was replaced."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return asdict(self)


@dataclass(frozen=True)
class RolledBackReplay:
    """A replay that was rolled back: its files are no longer in the tables."""

    job: str
    replay: int
    batch: int
    versions: dict[str, int]
    """Table → the version that the newest batch made."""
    cancelled: list[str]
    """The Flink jobs of the fork."""
    live: list[str]
    """The Flink jobs of the old branch."""
    patches: list[str]
    """Patches that it has overwritten, in whole or in part."""
    again: list[str]
    """Patches that are in effect again."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return asdict(self)


@dataclass(frozen=True)
class AbortedReplay:
    """A replay that is never published."""

    job: str
    replay: int
    cancelled: list[str]
    """The Flink jobs of the fork."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return asdict(self)


def publish_replay(
    workspace: Workspace, job: str, replay: int, *, within_s: float = SWAP_S, progress: Progress = silent
) -> SwappedReplay:
    """Swap a replay's files in by one batch, then cancel the old job. Safe to repeat.

    Args:
        workspace: of the environment.
        job: the job, as in jobs/JOB.py.
        replay: its number.
        within_s: how many seconds to wait for the fork's next checkpoints.
        progress: called with what is being done.

    Raises:
        UsageError: there is no such job or replay, it has not run, or it was aborted or rolled back.
        DecisionNeeded: the fork has not caught up within the deadline.
        ConservationError: the fork does not hold every offset after the fork point exactly once.
    """
    open_job = workspace.job(job)
    ledger = open_job.ledger
    planned = replays.one(ledger, replay)
    if replays.state(ledger, replay) == "planned":
        raise UsageError(f"replay {replay} has not run", remedy=f"headrace replay run {job} {replay}")
    progress(what="swapping the fork in")
    done = _swap(open_job, planned, within_s)
    fork = [j.id for j in forks_of(open_job, replay)]
    old = _cancel_others(open_job, replay, keep=fork, progress=progress)
    ends = patches_ended_by(ledger, planned)
    return SwappedReplay(
        job, replay, done.head.batch, done.head.versions, fork, old, ends, tuple(planned.stale)
    )


def roll_back_replay(
    workspace: Workspace, job: str, replay: int, why: str, *, progress: Progress = silent
) -> RolledBackReplay:
    """Return the tables to what they were before a replay was published, and cancel its job. Safe to repeat.

    Raises:
        UsageError: there is no such job, replay or reason; or it is not the last one that was published.
    """
    open_job = workspace.job(job)
    require_reason(why)
    ledger = open_job.ledger
    replays.one(ledger, replay)
    progress(what="restoring the old files")
    done = Replacer(open_job.tables).roll_back(replay, why)
    running = _cancel_others(open_job, replay, keep=(), progress=progress)
    changed = PatchHistory(ledger).changed_by(replays.rollback_of(ledger, replay))
    ends, again = ([p.name for p in patches] for patches in changed)
    live = [j.id for j in live_jobs(open_job)]
    return RolledBackReplay(job, replay, done.head.batch, done.head.versions, running, live, ends, again)


def abort_replay(
    workspace: Workspace, job: str, replay: int, why: str, *, progress: Progress = silent
) -> AbortedReplay:
    """Decide that a replay is never published, and cancel its job. Safe to repeat.

    Raises:
        UsageError: there is no such job, replay or reason; or it is published or rolled back.
        DecisionNeeded: it was published at the same moment.
    """
    open_job = workspace.job(job)
    require_reason(why)
    if replays.state(open_job.ledger, replay) != "aborted":
        Replacer(open_job.tables).abort(replay, why)
    running = [j.id for j in forks_of(open_job, replay)]
    progress(what="cancelling the fork")
    for flink_id in running:
        workspace.cluster.cancel(flink_id)
    return AbortedReplay(job, replay, running)


def _swap(job: OpenJob, planned: Replay, within_s: float) -> Published:
    """Try until the fork has sealed as much as the branch holds: either can be ahead of the other."""
    deadline, replacer = time.monotonic() + within_s, Replacer(job.tables)
    while not isinstance(done := replacer.replace(planned.number, planned.fork), Published):
        if isinstance(done, NothingSealed):
            raise _nothing_sealed_error(job, planned.number)
        if time.monotonic() > deadline:
            reached = " ".join(f"{p}:{o:,}" for p, o in sorted(done.reached.items())) or "nowhere yet"
            raise DecisionNeeded(
                f"the fork has not caught up with what is published: it has reached {reached}",
                where=f"job {job.name}, replay {planned.number}",
                remedy=f"headrace replay run {job.name} {planned.number} follows it; then publish again",
            )
        time.sleep(LOOK_S)
    return done


def _nothing_sealed_error(job: OpenJob, replay: int) -> DecisionNeeded:
    """The error for a fork without a checkpoint, with the reason if its tasks do not run."""
    cluster, why = job.cluster, None
    for fork in forks_of(job, replay):
        if not (at := cluster.detail(fork.id)).running:
            why = why_not_running(cluster, at)
    return DecisionNeeded(
        "the fork has not completed a checkpoint yet" + (f": {why.what}" if why else ""),
        where=f"job {job.name}, replay {replay}",
        remedy=(f"{why.remedy}; then " if why else "") + f"headrace replay run {job.name} {replay}",
    )


def _cancel_others(job: OpenJob, replay: int, *, keep: Collection[str], progress: Progress) -> list[str]:
    """Cancel the jobs that a swap, or its rollback, leaves behind: those that started before it was decided.

    Only while that is the newest decision about the branch: a later repetition must not cancel other jobs.
    """
    standing = StandingDecisions.of(job.ledger.decisions())
    decision = max(standing.swaps, key=lambda d: d.number)
    if decision.replay != replay:
        return []
    at = datetime.fromisoformat(decision.at)
    jobs = live_jobs(job, rolled_back=True)
    old = [j.id for j in jobs if j.id not in keep and j.started <= at]
    progress(what="cancelling the old job")
    for flink_id in old:
        job.cluster.cancel(flink_id)
    return old
