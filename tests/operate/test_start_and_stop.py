"""A job is started and stopped by functions; what they wait for goes to a callback."""

from __future__ import annotations

import pytest

from headrace.cluster import Submission
from headrace.cluster.fake import FakeCluster, SubmittedJob
from headrace.errors import ClusterError, UsageError
from headrace.job.start.options import SUBMISSION
from headrace.operate import Workspace, await_job, start_job, stop_job
from tests.publish.sealed_lake import Lake


@pytest.fixture(autouse=True)
def _jobs_claim(sealed: Lake, cluster: FakeCluster) -> None:
    """Make a claim, as real jobs do."""

    def main(submission: Submission) -> SubmittedJob:
        name = f"s{len(cluster.submitted)}"
        sealed.ledger.record_claim(name, submission.savepoint, "1.0.0")
        return SubmittedJob(submission.job, 2, {SUBMISSION: name})

    cluster.main = main


class Steps:
    """What was reported, each step once."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, *, what: str | None = None, **_: object) -> None:
        if what and what not in self.names:
            self.names.append(what)


def test_a_started_job_has_a_checkpoint_and_its_steps_were_reported(
    cluster: FakeCluster, workspace: Workspace
) -> None:
    steps = Steps()

    started = start_job(workspace, "events", progress=steps)

    (job,) = cluster.jobs()
    assert started.to_json() == {"job": "events", "flink_job": job.id, "state": "RUNNING", "checkpoint": 1}
    assert steps.names[:2] == ["submitting events", "starting events"]


def test_a_job_without_slots_at_its_deadline_is_cancelled_on_request(
    sealed: Lake, cluster: FakeCluster, workspace: Workspace
) -> None:
    cluster.slots_in_all = 1

    with pytest.raises(ClusterError, match="claim 1, which staged nothing, is set aside"):
        start_job(workspace, "events", within_s=0, cancel_on_timeout=True)

    assert [j.state for j in cluster.jobs()] == ["CANCELED"]
    assert len(sealed.ledger.decisions()) == 1


def test_a_stopped_job_leaves_a_savepoint_and_one_that_never_ran_leaves_none(
    cluster: FakeCluster, workspace: Workspace
) -> None:
    job = start_job(workspace, "events").flink_job

    stopped = stop_job(workspace, "events").to_json()

    assert list(stopped["savepoints"]) == [job]
    assert stopped["cancelled"] == {}
    with pytest.raises(UsageError, match="job events does not run"):
        stop_job(workspace, "events")

    cluster.slots_in_all = 1
    with pytest.raises(ClusterError):
        start_job(workspace, "events", within_s=0)
    (end,) = stop_job(workspace, "events").ends
    assert end.savepoint is None
    assert "it never ran, so there is no savepoint" in end.cancelled


def test_a_job_that_is_never_submitted_is_not_ready(cluster: FakeCluster, workspace: Workspace) -> None:
    with pytest.raises(ClusterError, match="nothing submitted it within 0 s") as unready:
        await_job(workspace, "events", 0)

    assert unready.value.facts["cause"] == "missing"
    start_job(workspace, "events")
    await_job(workspace, "events", 5)
    assert len(cluster.jobs()) == 1
