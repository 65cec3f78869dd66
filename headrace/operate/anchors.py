"""Anchors: take or adopt places where a replay can start, check whether it could, and expire old ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from headrace.errors import UsageError
from headrace.ledger import anchors
from headrace.ledger.anchor_health import Health
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Anchor
from headrace.operate.parts.flink_jobs import live_jobs
from headrace.operate.workspace import Workspace
from headrace.progress import Progress, silent
from headrace.replay.anchor import anchor_health, record_anchor, take_and_record_anchor
from headrace.savepoint.retained import delete_savepoint


@dataclass(frozen=True)
class AnchorHealth:
    """Whether a replay could begin at an anchor now."""

    job: str
    anchor: Anchor
    health: Health

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "job": self.job,
            "anchor": self.anchor.number,
            "state_files": self.health.state_files,
            "data_files": self.health.data_files,
            "problems": self.health.problems,
        }


@dataclass(frozen=True)
class ExpiredAnchors:
    """Anchors that expired, and those that would have if nothing needed them."""

    job: str
    expired: tuple[int, ...]
    needed: tuple[int, ...]
    """Kept: an unfinished replay, the job's next start, or its start after a rollback restores it."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {"job": self.job, "expired": list(self.expired), "needed": list(self.needed)}


def take_anchor(workspace: Workspace, job: str, why: str = "", *, progress: Progress = silent) -> Anchor:
    """Take a savepoint of the running job, without a pause, and record it.

    Raises:
        UsageError: there is no such job, it does not run, or it runs more than once.
        ClusterError: the savepoint failed.
    """
    open_job = workspace.job(job)
    running = live_jobs(open_job)
    if len(running) != 1:
        raise UsageError(
            f"job {job} {'does not run' if not running else 'runs more than once'}",
            remedy=f"headrace status {job}; record a savepoint of your own: headrace anchor adopt {job} PATH",
        )
    progress(what=f"taking a savepoint of {job}")
    return take_and_record_anchor(workspace.cluster, open_job.ledger, workspace.kafka, running[0].id, why)


def adopt_anchor(workspace: Workspace, job: str, path: str, why: str = "") -> Anchor:
    """Record a savepoint that was made by other means, or a retained checkpoint of a job that does not run.

    Raises:
        UsageError: there is no such job or savepoint, it is of another job, or Flink would delete it soon.
    """
    open_job = workspace.job(job)
    if "/chk-" in path and live_jobs(open_job):
        raise UsageError(
            "Flink deletes a checkpoint of a running job as soon as there are three newer ones",
            where=path,
            remedy=f"headrace anchor {job} takes a savepoint; or stop the job first",
        )
    return record_anchor(workspace.cluster, open_job.ledger, workspace.kafka, path, why, adopted=True)


def list_anchors(workspace: Workspace, job: str) -> list[Anchor]:
    """The anchors of a job that have not expired, newest first.

    Raises:
        UsageError: there is no such job.
    """
    ledger = workspace.job(job).ledger
    gone = anchors.expired_numbers(ledger)
    return [a for a in reversed(anchors.every(ledger)) if a.number not in gone]


def describe_anchor(workspace: Workspace, job: str, anchor: int) -> Anchor:
    """One anchor: what had been published and read at that point.

    Raises:
        UsageError: there is no such job or anchor.
    """
    return anchors.one(workspace.job(job).ledger, anchor)


def check_anchor(workspace: Workspace, job: str, anchor: int) -> AnchorHealth:
    """Check whether a replay could begin at an anchor now: its state, its files, and what Kafka still holds.

    Raises:
        UsageError: there is no such job or anchor.
        ClusterError: Kafka or the object store does not answer.
    """
    ledger = workspace.job(job).ledger
    record = anchors.one(ledger, anchor)
    return AnchorHealth(job, record, anchor_health(ledger, workspace.kafka, record))


def expire_anchors(
    workspace: Workspace, job: str, why: str, *, keep: int = 0, older_than: timedelta | None = None
) -> ExpiredAnchors:
    """Expire old anchors, and delete the savepoints that headrace took for them. Safe to repeat.

    Args:
        workspace: of the environment.
        job: the job, as in jobs/JOB.py.
        why: recorded in the ledger.
        keep: how many of the newest to keep.
        older_than: expire only anchors older than this.

    Raises:
        UsageError: there is no such job.
    """
    ledger = workspace.job(job).ledger
    needed, gone = anchors.needed_savepoints(ledger), anchors.expired_numbers(ledger)
    old = anchors.unexpired(ledger)[: -keep or None]
    if older_than is not None:
        before = datetime.now(timezone.utc) - older_than
        old = [a for a in old if datetime.fromisoformat(a.at) < before]
    for anchor in anchors.every(ledger):  # expired, but the process died before it deleted the savepoint
        if anchor.number in gone:
            _delete_own_savepoint(ledger, anchor)
    expiring = [a for a in old if a.path not in needed]
    for anchor in expiring:
        anchors.record_expiry(ledger, anchor, why)
        _delete_own_savepoint(ledger, anchor)
    kept = tuple(a.number for a in old if a.path in needed)
    return ExpiredAnchors(job, tuple(a.number for a in expiring), kept)


def _delete_own_savepoint(ledger: Ledger, anchor: Anchor) -> None:
    """Delete the savepoint of an expired anchor, unless other means made it: then its files are not ours."""
    if not anchor.adopted:
        delete_savepoint(ledger.warehouse, anchor.path)
