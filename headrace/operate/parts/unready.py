"""A submitted job that did not become ready: why, and what happens to it and to its claim."""

from __future__ import annotations

from headrace.cluster.ready import Unready
from headrace.errors import ClusterError
from headrace.job.start.options import SUBMISSION
from headrace.ledger.branch import set_aside_unused
from headrace.ledger.records import Claim
from headrace.operate.workspace import OpenJob


def not_ready_error(
    job: OpenJob, flink_id: str, at: Unready, within_s: float, then: str, remedy: str
) -> ClusterError:
    """The error for a job that did not become ready: the cause, and what happened to it.

    Args:
        job: the job.
        flink_id: the id that Flink gave it.
        at: why it is not ready.
        within_s: the deadline.
        then: a clause on what happened to the job.
        remedy: what to do besides removing the cause.
    """
    when = "" if at.final else f" within {within_s:g} s"
    return ClusterError(
        f"job {job.name} did not become ready{when}: {at.what}; {then}",
        where=f"Flink job {flink_id}",
        remedy=f"{at.remedy}; {remedy}",
        cause=at.cause,
        flink_job=flink_id,
    )


def not_started_error(job: OpenJob, flink_id: str, at: Unready, within_s: float) -> ClusterError:
    """The error for a submission that is not ready, and whose job and claim stay."""
    claim = claim_of(job, flink_id)
    stays = f"claim {claim.number} stays" if claim else "its claim stays"
    if at.final:
        leave = f"headrace branch set-aside {job.name} {claim.number if claim else 'N'} --why TEXT"
        return not_ready_error(job, flink_id, at, within_s, stays, f"{leave} lets publish go on without it")
    remedy = f"headrace status {job.name} --wait waits further; headrace stop {job.name} ends it"
    return not_ready_error(job, flink_id, at, within_s, f"the job and {stays}", remedy)


def claim_of(job: OpenJob, flink_id: str) -> Claim | None:
    """The claim of the submission that a Flink job runs; None if Flink does not report one of this job."""
    try:
        submission = job.cluster.configuration(flink_id).get(SUBMISSION)
    except ClusterError:
        return None
    return job.ledger.claim_of(submission) if submission else None


def cancel_unready(job: OpenJob, flink_id: str, why: str) -> str:
    """Cancel a job that did not start, and set its claim aside if it staged nothing.

    Args:
        job: the job.
        flink_id: the id that Flink gave it.
        why: recorded in the ledger if the claim is set aside.

    Returns:
        A clause that says what was done.
    """
    claim = claim_of(job, flink_id)
    job.cluster.cancel(flink_id)
    state = f"it is {job.cluster.detail(flink_id).job.state}"
    if claim is None:
        return state
    if set_aside_unused(job.ledger, job.read_staged(), claim.number, why):
        return f"{state}, and claim {claim.number}, which staged nothing, is set aside"
    return f"{state}; claim {claim.number} has staged rows, and the next start continues from there"
