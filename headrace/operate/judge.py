"""Have a bounded job judge the records of a patch, beside the live job."""

from __future__ import annotations

import math
import time
import uuid

from headrace.cluster.ready import WITHIN_S, Unready, why_ended
from headrace.errors import ClusterError
from headrace.job.program import Program
from headrace.job.ready import require_same
from headrace.job.submission import of_patch
from headrace.ledger import patches
from headrace.ledger.records import DONE, JudgedPatch, Patch
from headrace.operate.start import await_start
from headrace.operate.unready import not_ready
from headrace.operate.workspace import Workspace
from headrace.progress import Progress, silent
from headrace.publish import patch_history
from headrace.replay.judged import record_judged

LOOK_S = 0.5


def judge_records(
    workspace: Workspace,
    program: Program,
    patch: Patch,
    *,
    start_s: float = WITHIN_S,
    within_s: float = math.inf,
    tell: Progress = silent,
) -> JudgedPatch:
    """Submit a patch's bounded job, wait for its end, and record its result, unless it is already recorded.

    Args:
        workspace: where it runs.
        program: of the ingest job.
        patch: whose records are to be judged.
        start_s: how many seconds its tasks may take to run.
        within_s: how many seconds it may then run; after that it is cancelled.
        tell: called with what it waits for.

    Raises:
        UsageError: the patch was dropped, or is in the tables.
        DecisionNeeded: the job was edited since the patch was requested.
        ClusterError: the bounded job did not begin, failed, or did not end within the deadline.
    """
    ledger, job = workspace.ledger(program.job.name), program.job.name
    if known := patches.judged_of(ledger, patch.number):
        return known
    patch_history.require_open(ledger, patch.number)
    require_same(ledger, program, patch)
    # The job of a command that was killed may still run: it ends on its own, and its result is ignored.
    submission, after_batch = f"patch-{patch.number}-{uuid.uuid4().hex[:8]}", ledger.newest(DONE)
    doing = f"judging {patch.records:,} record{'' if patch.records == 1 else 's'}"
    tell(what=doing)
    flink_id = workspace.cluster.submit(of_patch(job, patch.number, submission))
    _await_start(workspace, job, patch.number, flink_id, start_s, doing, tell)
    tell(what=doing)
    _await_end(workspace, job, patch.number, flink_id, within_s)
    return record_judged(ledger, program, patch, submission, after_batch)


def _await_start(
    workspace: Workspace, job: str, patch: int, flink_id: str, within_s: float, doing: str, tell: Progress
) -> None:
    """Wait until the bounded job's tasks run, and cancel it if they do not."""
    begun = await_start(workspace, flink_id, within_s, doing, tell)
    if isinstance(begun, Unready) and not begun.begun:
        workspace.cluster.cancel(flink_id)
        again = f"then headrace patch apply {job} {patch}"
        then = "nothing was changed" if begun.final else "its bounded job is cancelled"
        raise not_ready(job, flink_id, begun, within_s, then, again)


def _await_end(workspace: Workspace, job: str, patch: int, flink_id: str, within_s: float) -> None:
    """Wait until the bounded job has finished."""
    cluster, deadline = workspace.cluster, time.monotonic() + within_s
    again = f"headrace patch apply {job} {patch}"
    while not (at := cluster.detail(flink_id)).job.ended:
        if time.monotonic() > deadline:
            cluster.cancel(flink_id)
            raise ClusterError(
                f"the bounded job did not finish within {within_s:g} s, and was cancelled",
                where=f"{cluster.address}, job {flink_id}",
                remedy=again,
            )
        time.sleep(LOOK_S)
    if at.job.state != "FINISHED":
        why = why_ended(cluster, at)
        raise ClusterError(
            f"the bounded job did not finish: {why.what}",
            where=f"{cluster.address}, job {flink_id}",
            remedy=f"{why.remedy}; then {again}",
        )
