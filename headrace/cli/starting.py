"""From a submission to a job that runs: wait for its first checkpoint, or say what keeps it from one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import typer

from headrace.cli.output import progress
from headrace.cluster import Cluster, Job
from headrace.cluster.ready import LOOK_S, WITHIN_S, Ready, Unready, await_ready, why_not_running
from headrace.errors import ClusterError
from headrace.job.assemble import named
from headrace.job.run import SUBMISSION
from headrace.ledger.branch import leave_unused
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import Staged
from headrace.ledger.records import Claim
from headrace.operate import Workspace
from headrace.savepoint.retained import savepoints

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
Running = Callable[[], list[Job]]
"""Looks for the Flink jobs that are a job now."""


def await_start(cluster: Cluster, flink_id: str, within_s: float, doing: str) -> Ready | Unready:
    """Wait until a submitted job is ready, and show what it waits for."""
    with progress(doing) as tell:
        return await_ready(cluster, flink_id, within_s, lambda what: tell(what=f"{doing}: {what}"))


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


def claim_of(cluster: Cluster, ledger: Ledger, flink_id: str) -> Claim | None:
    """The claim of the submission that a Flink job runs; None where Flink does not say, or another's."""
    try:
        submission = cluster.configuration(flink_id).get(SUBMISSION)
    except ClusterError:
        return None
    return ledger.claim_of(submission) if submission else None


def cancelled(cluster: Cluster, ledger: Ledger, flink_id: str, why: str) -> str:
    """End a job that did not begin, and set its claim aside if it staged nothing; says so in a clause."""
    claim = claim_of(cluster, ledger, flink_id)
    cluster.cancel(flink_id)
    state = f"it is {cluster.detail(flink_id).job.state}"
    if claim is None:
        return state
    outputs = named(ledger.job).outputs
    staged = {o.id: Staged(ledger.warehouse, o.id).read() for o in outputs}
    if leave_unused(ledger, staged, claim.number, why):
        return f"{state}, and claim {claim.number}, which staged nothing, is set aside"
    return f"{state}; claim {claim.number} has staged rows, and the next start goes on from there"


def not_started(
    workspace: Workspace, job: str, flink_id: str, at: Unready, timeout: float, *, cancel: bool
) -> ClusterError:
    """The error for a submission that is not ready: its job and claim stay, unless they are to be ended."""
    cluster, ledger = workspace.cluster, workspace.ledger(job)
    if cancel:
        then = cancelled(cluster, ledger, flink_id, f"not ready within {timeout:g} s: {at.cause}")
        return not_ready(job, flink_id, at, timeout, then, f"then headrace run {job}")
    claim = claim_of(cluster, ledger, flink_id)
    stays = f"claim {claim.number} stays" if claim else "its claim stays"
    if at.final:
        leave = f"headrace branch set-aside {job} {claim.number if claim else 'N'} --why TEXT"
        return not_ready(job, flink_id, at, timeout, stays, f"{leave} lets publish go on without it")
    remedy = f"headrace status {job} --wait waits on; headrace stop {job} ends it"
    return not_ready(job, flink_id, at, timeout, f"the job and {stays}", remedy)


def ended(workspace: Workspace, job: str, flink_id: str) -> tuple[str, bool]:
    """The address of the savepoint that a Flink job was stopped with and True, or what was done instead.

    Raises:
        ClusterError: its tasks do not run now, but it has completed checkpoints: it ran.
    """
    cluster, place = workspace.cluster, workspace.settings.store.warehouse
    at = cluster.detail(flink_id)
    if at.running:
        return cluster.stop(flink_id, f"{place}/{savepoints(job)}"), True
    why = why_not_running(cluster, at)
    if cluster.checkpoints(flink_id).completed:
        raise ClusterError(
            f"job {job} cannot take a savepoint now: {why.what}",
            where=f"Flink job {flink_id}, {at.job.state}",
            remedy=f"{why.remedy}; headrace status {job} --wait waits until it runs. To end it all the same:"
            f" flink cancel {flink_id}; the next start goes on from its newest checkpoint",
        )
    done = cancelled(cluster, workspace.ledger(job), flink_id, f"stopped before it ran: {why.cause}")
    return f"it never ran, so there is no savepoint ({why.what}); {done}", False


def awaited(workspace: Workspace, job: str, timeout: float, running: Running) -> ClusterError | None:
    """Wait until what was submitted is ready; why it is not, where it is not."""
    began = time.monotonic()
    flink_id = _submitted(job, timeout, running)
    if flink_id is None:
        return ClusterError(
            f"job {job} does not run: nothing has submitted it within {timeout:g} s",
            where=workspace.cluster.address,
            remedy=f"headrace run {job}; or see what was to submit it",
            cause="missing",
        )
    left = max(0.0, timeout - (time.monotonic() - began))
    at = await_start(workspace.cluster, flink_id, left, f"waiting for {job}")
    if isinstance(at, Ready):
        return None
    return not_ready(job, flink_id, at, timeout, "the job stays", f"headrace stop {job} ends it")


def _submitted(job: str, timeout: float, running: Running) -> str | None:
    """The Flink job of that name, once there is one. Whoever submits it may be on the way."""
    deadline = time.monotonic() + timeout
    with progress(f"waiting for a submission of {job}"):
        while True:
            try:
                if found := running():
                    return found[0].id
            except ClusterError:
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                return None
            time.sleep(LOOK_S)
