"""From a submission to a job that runs: wait for its first checkpoint, or say what keeps it from one."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from headrace import settings
from headrace.cli.output import progress
from headrace.cluster import flink as rest
from headrace.cluster.ready import WITHIN_S, Ready, Unready, await_ready
from headrace.errors import ClusterError
from headrace.job.assemble import named
from headrace.job.run import SUBMISSION
from headrace.lake.branch import leave_unused
from headrace.lake.ledger import Claim, Ledger
from headrace.lake.manifests import Staged

Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0,
        help="Wait at most so long until all tasks run and a checkpoint is complete.",
    ),
]
DEFAULT_S = WITHIN_S


def await_start(env: settings.Settings, flink_id: str, within_s: float, doing: str) -> Ready | Unready:
    """Wait until a submitted job is ready, and show what it waits for."""
    with progress(doing) as tell:
        return await_ready(env.flink.rest, flink_id, within_s, lambda what: tell(what=f"{doing}: {what}"))


def in_words(at: Ready, began: float) -> str:
    """What a job that is ready has done."""
    if at.state == "FINISHED":
        return "it has finished"
    took = time.monotonic() - began
    return f"all its tasks run, and checkpoint {at.checkpoint} is complete ({took:.0f} s)"


def not_ready(job: str, flink_id: str, at: Unready, within_s: float, then: str, remedy: str) -> ClusterError:
    """The error for a job that did not become ready: the cause, and what has become of it.

    Args:
        job: the job.
        flink_id: the id that Flink gave it.
        at: why it is not ready.
        within_s: the deadline.
        then: a clause on what became of the job.
        remedy: what to do besides mending the cause.
    """
    when = "" if at.final else f" within {within_s:g} s"
    return ClusterError(
        f"job {job} did not become ready{when}: {at.what}; {then}",
        where=f"Flink job {flink_id}",
        remedy=f"{at.remedy}; {remedy}",
        cause=at.cause,
        flink_job=flink_id,
    )


def claim_of(env: settings.Settings, ledger: Ledger, flink_id: str) -> Claim | None:
    """The claim of the submission that a Flink job runs; None for one of another making."""
    submission = rest.configuration(env.flink.rest, flink_id).get(SUBMISSION)
    return ledger.claim_of(submission) if submission else None


def cancelled(env: settings.Settings, ledger: Ledger, flink_id: str, why: str) -> str:
    """Cancel a job that did not begin, and set its claim aside if it staged nothing; says so in a clause."""
    claim = claim_of(env, ledger, flink_id)
    rest.cancel(env.flink.rest, flink_id)
    if claim is None:
        return "it is cancelled"
    outputs = named(ledger.job).outputs
    staged = {o.id: Staged(ledger.warehouse, o.id).read() for o in outputs}
    if leave_unused(ledger, staged, claim.number, why):
        return f"it is cancelled, and claim {claim.number}, which staged nothing, is set aside"
    return f"it is cancelled; claim {claim.number} has staged rows, and the next start goes on from there"
