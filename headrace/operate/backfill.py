"""Judge the rows of files by a contract and publish them in its tables, for data that Kafka no longer has."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.contract.load import load_topic
from headrace.operate.parts.patch_report import PatchReport
from headrace.operate.parts.reason import require_reason
from headrace.operate.patch import JUDGE_S, judge_and_apply
from headrace.operate.workspace import Workspace
from headrace.progress import Progress, silent
from headrace.replay.backfill import request_backfill


def backfill_files(
    workspace: Workspace,
    contract: str,
    files: Sequence[str],
    why: str,
    *,
    hold: bool = False,
    within_s: float = JUDGE_S,
    progress: Progress = silent,
) -> PatchReport:
    """Judge the rows of files by a contract, and publish them in its tables in one batch.

    If no row would come into a table, the patch that this began is aborted, and the ledger records why.

    Args:
        workspace: of the environment.
        contract: of a topic, with an ingest job of its name.
        files: JSON lines or Parquet: addresses in the object store (one that ends in ``/`` means everything
            under it) or local files.
        why: recorded in the ledger.
        hold: only judge the rows.
        within_s: how many seconds the bounded job may run; after that it is cancelled.
        progress: called with what is being read.

    Raises:
        UsageError: there is no such ingest job, no reason; or a file does not exist, is of neither kind, or
            was already backfilled.
        ClusterError: the object store does not answer, or the bounded job failed or did not finish within
            the deadline.
    """
    job = workspace.ingest_job(load_topic(contract).id)
    require_reason(why)
    progress(what="reading the files")
    patch = request_backfill(workspace.settings.store, job.ledger, job.program, list(files), why, progress)
    return judge_and_apply(job, patch, hold=hold, within_s=within_s, progress=progress)
