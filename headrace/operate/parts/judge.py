"""Have a bounded job judge the records of a patch, beside the live job."""

from __future__ import annotations

import time
import uuid

from headrace.cluster.ready import WITHIN_S, Unready, why_ended
from headrace.errors import ClusterError
from headrace.job.ready import require_same
from headrace.job.submission import of_patch
from headrace.ledger import patch_history, patches
from headrace.ledger.records import DONE, JudgedPatch, Patch
from headrace.operate.parts.unready import not_ready_error
from headrace.operate.start import await_start
from headrace.operate.workspace import OpenJob
from headrace.progress import Progress, silent
from headrace.replay.judged import check_and_record_judged
from headrace.text import counted

LOOK_S = 0.5


def judge_records(
    job: OpenJob,
    patch: Patch,
    *,
    within_s: float,
    start_s: float = WITHIN_S,
    progress: Progress = silent,
) -> JudgedPatch:
    """Submit a patch's bounded job, wait for its end, and record its result, unless it is already recorded.

    Args:
        job: an ingest job.
        patch: whose records are to be judged.
        within_s: how many seconds the bounded job may run; after that it is cancelled.
        start_s: how many seconds its tasks may take to run, before that.
        progress: called with what it waits for.

    Raises:
        UsageError: the patch was aborted, or is in the tables.
        DecisionNeeded: the job was edited since the patch was requested.
        ClusterError: the bounded job did not begin, failed, or did not end within the deadline.
    """
    ledger = job.ledger
    if known := patches.judged_of(ledger, patch.number):
        return known
    patch_history.require_open(ledger, patch.number)
    require_same(ledger, job.program, patch)
    # The job of a command that was killed may still run: it ends on its own, and its result is ignored.
    submission, after_batch = f"patch-{patch.number}-{uuid.uuid4().hex[:8]}", ledger.newest(DONE)
    doing = f"judging {counted(patch.records, 'record')}"
    progress(what=doing)
    flink_id = job.cluster.submit(of_patch(job.name, patch.number, submission))
    _await_start(job, patch.number, flink_id, start_s, doing, progress)
    progress(what=doing)
    _await_end(job, patch.number, flink_id, within_s)
    return check_and_record_judged(ledger, job.program, patch, submission, after_batch)


def _await_start(
    job: OpenJob, patch: int, flink_id: str, within_s: float, doing: str, progress: Progress
) -> None:
    """Wait until the bounded job's tasks run, and cancel it if they do not."""
    state = await_start(job, flink_id, within_s, doing, progress)
    if isinstance(state, Unready) and not state.tasks_run:
        job.cluster.cancel(flink_id)
        again = f"then headrace patch judge {job.name} {patch}"
        then = "nothing was changed" if state.final else "its bounded job is cancelled"
        raise not_ready_error(job, flink_id, state, within_s, then, again)


def _await_end(job: OpenJob, patch: int, flink_id: str, within_s: float) -> None:
    """Wait until the bounded job has finished."""
    cluster, deadline = job.cluster, time.monotonic() + within_s
    again = f"headrace patch judge {job.name} {patch}"
    while not (at := cluster.detail(flink_id)).job.ended:
        if time.monotonic() > deadline:
            cluster.cancel(flink_id)
            raise ClusterError(
                f"the bounded job did not finish within {within_s:g} s, and was cancelled",
                where=f"{cluster.address}, job {flink_id}",
                remedy=f"{again} --timeout SECONDS, with more of them, judges the records again",
            )
        time.sleep(LOOK_S)
    if at.job.state != "FINISHED":
        why = why_ended(cluster, at)
        raise ClusterError(
            f"the bounded job did not finish: {why.what}",
            where=f"{cluster.address}, job {flink_id}",
            remedy=f"{why.remedy}; then {again}",
        )
