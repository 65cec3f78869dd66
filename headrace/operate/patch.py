"""Patches (redrives, backfills, bounded replays): judge, compare, publish, roll back or abort one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.job.ready import require_same
from headrace.ledger import patch_history, patches
from headrace.ledger.records import Patch
from headrace.operate.parts.judge import judge_records
from headrace.operate.parts.patch_report import ListedPatch, PatchReport, report
from headrace.operate.parts.reason import require_reason
from headrace.operate.workspace import OpenJob, Workspace
from headrace.progress import Progress, silent
from headrace.publish.patch import NothingToApply, Patcher
from headrace.replay.compare import Diff
from headrace.replay.diff import patch_diff

JUDGE_S = 3600.0
"""How many seconds a bounded job may run: millions of records take minutes; one that needs more is stuck."""


@dataclass(frozen=True)
class PatchDiff:
    """How a judged patch would change the tables."""

    job: str
    patch: int
    diff: Diff

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {"job": self.job, "patch": self.patch, **self.diff.to_json()}


def list_patches(workspace: Workspace, job: str) -> list[ListedPatch]:
    """The patches of an ingest job, newest first.

    Raises:
        UsageError: there is no such ingest job.
    """
    ledger = workspace.ingest_job(job).ledger
    history = patch_history.PatchHistory(ledger)
    return [ListedPatch(p, history.state(p.number)) for p in reversed(patches.every(ledger))]


def describe_patch(workspace: Workspace, job: str, patch: int) -> PatchReport:
    """One patch: what was requested, what its bounded job produced, and its state.

    Raises:
        UsageError: there is no such ingest job or patch.
    """
    open_job = workspace.ingest_job(job)
    return report(open_job, patches.one(open_job.ledger, patch))


def judge_patch(
    workspace: Workspace, job: str, patch: int, *, within_s: float = JUDGE_S, progress: Progress = silent
) -> PatchReport:
    """Run the bounded job that judges a patch's records; the tables are not touched. Safe to repeat.

    Args:
        workspace: of the environment.
        job: an ingest job.
        patch: its number.
        within_s: how many seconds the bounded job may run; after that it is cancelled.
        progress: called with what it waits for.

    Raises:
        UsageError: there is no such ingest job or patch, or it cannot be judged any more.
        DecisionNeeded: the job was edited since the patch was requested.
        ClusterError: the bounded job failed, or did not finish within the deadline.
    """
    open_job = workspace.ingest_job(job)
    requested = patch_history.require_open(open_job.ledger, patch)
    judge_records(open_job, requested, within_s=within_s, progress=progress)
    return report(open_job, requested)


def diff_patch(
    workspace: Workspace, job: str, patch: int, *, samples: int = 5, progress: Progress = silent
) -> PatchDiff:
    """Compare what the tables hold with what a judged patch would put there.

    Args:
        workspace: of the environment.
        job: an ingest job.
        patch: its number.
        samples: how many changed records to include.
        progress: called with what is being read.

    Raises:
        UsageError: there is no such ingest job or patch, or it is not judged.
    """
    open_job = workspace.ingest_job(job)
    requested = patches.one(open_job.ledger, patch)
    progress(what="reading both sides")
    return PatchDiff(job, patch, patch_diff(open_job.ledger, open_job.program, requested, samples))


def apply_patch(
    workspace: Workspace, job: str, patch: int, *, within_s: float = JUDGE_S, progress: Progress = silent
) -> PatchReport:
    """Publish a patch in one batch; it is judged first if it has not been. Safe to repeat.

    If none of its records would move into the tables, it is aborted instead, and the ledger records why.

    Args:
        workspace: of the environment.
        job: an ingest job.
        patch: its number.
        within_s: how many seconds the bounded job may run; after that it is cancelled.
        progress: called with what is being done.

    Raises:
        UsageError: there is no such ingest job or patch, or it was aborted, rolled back or overwritten.
        DecisionNeeded: the job was edited since the patch was requested.
        ClusterError: the bounded job failed, or did not finish within the deadline.
        ConservationError: other patches have since published some of its records.
    """
    open_job = workspace.ingest_job(job)
    ledger = open_job.ledger
    requested = patches.one(ledger, patch)
    if patch_history.state(ledger, patch) != "published":
        patch_history.require_open(ledger, patch)
    return judge_and_apply(open_job, requested, hold=False, within_s=within_s, progress=progress)


def roll_back_patch(
    workspace: Workspace, job: str, patch: int, why: str, *, progress: Progress = silent
) -> PatchReport:
    """Remove a patch's rows, and restore those that it removed. Safe to repeat.

    Raises:
        UsageError: there is no such ingest job or patch, no reason, or it is not in the tables.
    """
    open_job = workspace.ingest_job(job)
    require_reason(why)
    progress(what="restoring the old rows")
    done = Patcher(open_job.tables).roll_back(patch, why)
    return report(open_job, patches.one(open_job.ledger, patch), done.head.versions)


def abort_patch(workspace: Workspace, job: str, patch: int, why: str) -> PatchReport:
    """Decide that a patch is never published. Safe to repeat.

    Raises:
        UsageError: there is no such ingest job or patch, no reason, or it is in the tables.
        DecisionNeeded: it was published at the same moment.
    """
    open_job = workspace.ingest_job(job)
    require_reason(why)
    requested = patches.one(open_job.ledger, patch)
    if patch_history.state(open_job.ledger, patch) != "aborted":
        Patcher(open_job.tables).abort(patch, why)
    return report(open_job, requested)


def judge_and_apply(
    job: OpenJob, patch: Patch, *, hold: bool, within_s: float, progress: Progress
) -> PatchReport:
    """Judge a patch of an ingest job, and publish it unless ``hold`` is set."""
    versions = None
    if patch_history.state(job.ledger, patch.number) != "published":
        judge_records(job, patch, within_s=within_s, progress=progress)
        require_same(job.ledger, job.program, patch)
    if not hold:
        progress(what="publishing the rows")
        versions = publish_or_abort(Patcher(job.tables), patch.number)
    return report(job, patch, versions)


def publish_or_abort(publisher: Patcher, patch: int) -> dict[str, int] | None:
    """Publish a judged patch, and return the tables' versions; abort it if none of its records would move."""
    done = publisher.publish(patch)
    if isinstance(done, NothingToApply):
        publisher.abort(patch, done.why)
        return None
    return done.head.versions
