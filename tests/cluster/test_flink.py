"""The REST client against a real cluster: a job that runs for ever, and one that fails for ever."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from stack.waiting import until
from stack_fixtures import Stack

from headrace.cluster import flink, metrics
from headrace.cluster.ready import Ready, Unready, await_ready
from headrace.errors import ClusterError

JOBS = Path(__file__).parent / "endless.py"
NO_JOB = "0" * 32
PLACE = "s3://lake/_savepoints_of_tests"


@dataclass(frozen=True)
class Cluster:
    rest: str
    endless: str
    failing: str
    to_be_stopped: str
    to_be_cancelled: str


@pytest.fixture(scope="module")
def cluster(stack: Stack) -> Iterator[Cluster]:
    rest = stack.settings.flink.rest
    before = {job.id for job in flink.jobs(rest)}
    done = subprocess.run(
        ["flink", "run", "-d", "-py", str(JOBS)],
        env={**os.environ, **stack.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    ours = {job.name: job.id for job in flink.jobs(rest) if job.id not in before}
    yield Cluster(rest, **ours)
    for job in ours.values():
        flink.cancel(rest, job)


@pytest.fixture
def running(cluster: Cluster) -> Cluster:
    until("endless to run", lambda: flink.detail(cluster.rest, cluster.endless).running)
    return cluster


def test_the_cluster_at_a_glance(running: Cluster) -> None:
    seen = flink.overview(running.rest)

    assert (seen.version, seen.slots) == ("2.3.0", sum(t.slots for t in flink.taskmanagers(running.rest)))
    assert seen.slots_available < seen.slots
    assert flink.ready(running.rest, seen.slots)
    assert not flink.ready(running.rest, seen.slots + 1)


def test_a_job_and_its_vertices(running: Cluster) -> None:
    found = flink.detail(running.rest, running.endless)

    assert (found.job.name, found.job.state, found.job.ended) == ("endless", "RUNNING", False)
    assert found.job in flink.jobs(running.rest)
    assert all(v.parallelism == 1 and v.state == "RUNNING" for v in found.vertices)
    assert found.vertices[0].name.startswith("Source: numbers")


def test_checkpoints_go_on(running: Cluster) -> None:
    done = until(
        "two checkpoints",
        lambda: (c := flink.checkpoints(running.rest, running.endless)).completed > 1 and c,
    )

    assert done.restored is None
    assert done.last is not None
    assert done.last.savepoint or done.last.path.endswith(f"/chk-{done.last.id}")
    assert flink.checkpoint_settings(running.rest, running.endless)["mode"] == "exactly_once"


def test_a_failing_job_tells_its_root_cause(running: Cluster) -> None:
    why = until("a failure", lambda: flink.failure(running.rest, running.failing))

    assert why == "java.lang.ArithmeticException: / by zero"
    until("a restart", lambda: metrics.restarts(running.rest, running.failing) > 0)
    assert metrics.restarts(running.rest, running.endless) == 0
    assert flink.failure(running.rest, running.endless) == ""


def test_a_job_that_runs_is_ready_once_a_checkpoint_is_complete(cluster: Cluster) -> None:
    at = await_ready(cluster.rest, cluster.endless)

    assert isinstance(at, Ready)
    assert at.state == "RUNNING"
    done = flink.checkpoints(cluster.rest, cluster.endless)
    assert done.last is not None
    assert at.checkpoint is not None
    assert at.checkpoint <= done.last.id


def test_a_job_that_fails_again_and_again_is_not_ready_by_its_own_failure(running: Cluster) -> None:
    until("a failure", lambda: flink.failure(running.rest, running.failing))

    at = await_ready(running.rest, running.failing, 3)

    assert isinstance(at, Unready)
    assert (at.cause, at.what) == ("failure", "it fails: java.lang.ArithmeticException: / by zero")


def test_a_job_that_has_ended_is_told_at_once(cluster: Cluster) -> None:
    until("the job", lambda: flink.detail(cluster.rest, cluster.to_be_cancelled).vertices)
    flink.cancel(cluster.rest, cluster.to_be_cancelled)

    at = await_ready(cluster.rest, cluster.to_be_cancelled)

    assert isinstance(at, Unready)
    assert at.final
    assert at.what == "it is CANCELED: cancelled"


def test_lag_is_unknown_without_a_kafka_source(running: Cluster) -> None:
    source = flink.detail(running.rest, running.endless).vertices[0].id

    assert metrics.lag(running.rest, running.endless) is None
    until("records", lambda: metrics.metric(running.rest, running.endless, source, "numRecordsOut", "sum"))


def test_metrics_are_of_now_once_the_workers_were_asked_anew(running: Cluster) -> None:
    source = flink.detail(running.rest, running.endless).vertices[0].id
    assert metrics.refresh(running.rest)
    before = metrics.metric(running.rest, running.endless, source, "numRecordsOut", "sum")
    assert before

    assert metrics.refresh(running.rest)

    now = metrics.metric(running.rest, running.endless, source, "numRecordsOut", "sum")
    assert now
    assert now > before


def test_a_savepoint_goes_where_it_is_told(running: Cluster) -> None:
    address = flink.savepoint(running.rest, running.endless, f"{PLACE}/here")

    assert address.startswith(f"{PLACE}/here/savepoint-{running.endless[:6]}-")
    assert not flink.detail(running.rest, running.endless).job.ended
    newest = flink.checkpoints(running.rest, running.endless)
    assert newest.last is not None


def test_a_savepoint_that_cannot_be_written_is_an_error(running: Cluster) -> None:
    with pytest.raises(ClusterError, match=r"no savepoint: .*bucket does not exist"):
        flink.savepoint(running.rest, running.endless, "s3://no-such-bucket/x")

    until("the failure and its words", lambda: flink.checkpoints(running.rest, running.endless).failure)
    assert flink.checkpoints(running.rest, running.endless).failed
    assert not flink.detail(running.rest, running.endless).job.ended


def test_a_savepoint_has_a_deadline(running: Cluster, stack: Stack) -> None:
    stack.pause_taskmanager()  # nobody answers the barrier, so it is not complete however fast the machine is
    try:
        with pytest.raises(ClusterError, match="not complete after 1 s"):
            flink.savepoint(running.rest, running.endless, within_s=1)
    finally:
        stack.resume_taskmanager()


def test_no_such_job(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="Could not find Flink job") as refused:
        flink.detail(cluster.rest, NO_JOB)

    assert refused.value.facts == {"status": 404}


def test_stop_leaves_a_savepoint_and_an_ended_job(cluster: Cluster) -> None:
    job = cluster.to_be_stopped
    until("it to run", lambda: flink.detail(cluster.rest, job).running)

    address = flink.stop(cluster.rest, job, f"{PLACE}/there")

    assert address.startswith(f"{PLACE}/there/savepoint-{job[:6]}-")
    assert flink.detail(cluster.rest, job).job.state == "FINISHED"
    flink.cancel(cluster.rest, job)  # an ended job is left as it is
    assert flink.detail(cluster.rest, job).job.state == "FINISHED"
