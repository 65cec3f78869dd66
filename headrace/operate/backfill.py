"""Judge the rows of files by a contract and put them into its tables, for data that Kafka no longer has."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.contract.load import load_topic
from headrace.operate.parts.patch_report import PatchReport
from headrace.operate.parts.reason import require_reason
from headrace.operate.patch import judge_and_put_in
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
    progress: Progress = silent,
) -> PatchReport:
    """Judge the rows of files by a contract, and put them into its tables in one batch.

    Args:
        workspace: of the environment.
        contract: of a topic, with an ingest job of its name.
        files: JSON lines or Parquet: addresses in the object store (one that ends in ``/`` means everything
            under it) or local files.
        why: recorded in the ledger.
        hold: only judge the rows.
        progress: called with what is being read.

    Raises:
        UsageError: there is no such ingest job, no reason; or a file does not exist, is of neither kind, or
            was already backfilled.
        ClusterError: the object store does not answer, or the bounded job failed.
    """
    job = workspace.ingest_job(load_topic(contract).id)
    require_reason(why)
    progress(what="reading the files")
    patch = request_backfill(workspace.settings.store, job.ledger, job.program, list(files), why, progress)
    return judge_and_put_in(job, patch, hold=hold, progress=progress)
