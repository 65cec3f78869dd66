"""What a cluster promises, asked of the one in memory and of a session cluster of real processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from headrace.cluster import Cluster, FlinkRun, SessionCluster, Submission, metrics
from headrace.cluster.fake import FakeCluster, SubmittedJob
from headrace.cluster.ready import Ready, Unready, await_ready
from headrace.errors import ClusterError, DecisionNeeded, HeadraceError, JobError
from tests.stack.waiting import until
from tests.stack_fixtures import Stack

NO_JOB = "0" * 32
BY_ZERO = "java.lang.ArithmeticException: / by zero"
PLACE = "s3://lake/_savepoints_of_tests"
NOWHERE = "s3://no-such-bucket"
JOBS = ("endless", "to_be_stopped", "to_be_cancelled", "failing")


@dataclass
class Lab:
    """A cluster of four slots or more with four jobs, and a test's hand on its workers."""

    cluster: Cluster
    jobs: dict[str, str]
    """The id of each, by its name."""
    hold_workers: Callable[[], None]
    release_workers: Callable[[], None]
    begun: list[str] = field(default_factory=list)

    def start(self, name: str, parallelism: int) -> str:
        """One more job, of so many subtasks; gives what the cluster calls it."""
        told = {"ONLY": name, "PARALLELISM": str(parallelism)}
        self.begun.append(self.cluster.submit(Submission(name, "endless", environment=told)))
        return self.begun[-1]

    def all_run(self, name: str) -> str:
        """The id of a job, once its tasks run."""
        until(f"{name} to run", lambda: self.cluster.detail(self.jobs[name]).running)
        return self.jobs[name]


class Obedient:
    """One set of tests for every cluster."""

    def test_a_job_is_known_by_its_given_id(self, lab: Lab) -> None:
        endless = lab.all_run("endless")
        found = lab.cluster.detail(endless)

        assert (found.job.id, found.job.name, found.job.state) == (endless, "endless", "RUNNING")
        assert not found.job.ended
        assert found.job in lab.cluster.jobs()
        assert found.vertices[0].name.startswith("Source: ")
        assert all((v.parallelism, v.state) == (1, "RUNNING") for v in found.vertices)
        assert lab.cluster.configuration(endless)["submission"] == "s1"

    def test_jobs_are_listed_newest_first(self, lab: Lab) -> None:
        times = [job.started for job in lab.cluster.jobs()]

        assert times == sorted(times, reverse=True)

    def test_a_job_that_is_not_there(self, lab: Lab) -> None:
        asked: list[Callable[[str], object]] = [
            lab.cluster.detail,
            lab.cluster.checkpoints,
            lab.cluster.failure,
            lab.cluster.configuration,
            lab.cluster.cancel,
            lab.cluster.stop,
            lab.cluster.savepoint,
        ]
        for ask in asked:
            with pytest.raises(ClusterError, match="Could not find Flink job") as refused:
                ask(NO_JOB)
            assert refused.value.facts == {"status": 404}
        request = lab.cluster.trigger_checkpoint(NO_JOB)  # it is only taken down, and fails later
        until("its failure", lambda: _failed(lab.cluster, request))

    def test_a_main_that_refuses_reports_its_own_error(self, lab: Lab) -> None:
        before = lab.cluster.jobs()
        why = {"REFUSED": "the lock is stale"}

        with pytest.raises(HeadraceError, match="the lock is stale") as refused:
            lab.cluster.submit(Submission("endless", "endless", environment=why))

        assert (refused.value.exit_code, refused.value.remedy) == (3, "decide")
        assert {j.id for j in before} == {j.id for j in lab.cluster.jobs()}

    def test_slots_are_counted_by_the_jobs_that_hold_them(self, lab: Lab) -> None:
        endless = lab.all_run("endless")
        slots = lab.cluster.slots()

        assert slots.taskmanagers >= 1
        assert slots.held[endless] == 1
        assert slots.free_for(NO_JOB) == slots.free_for(endless) - 1

    def test_a_job_without_slots_waits_and_says_who_holds_them(self, lab: Lab) -> None:
        lab.all_run("endless")
        total = lab.cluster.slots().total

        wide = lab.start("wide", total + 1)

        assert not lab.cluster.detail(wide).running
        at = await_ready(lab.cluster, wide, 1)
        assert isinstance(at, Unready)
        assert at.cause == "slots"
        assert f"not enough free slots: it needs {total + 1}, and " in at.what
        assert "endless holds 1" in at.what
        with pytest.raises(ClusterError, match=r"no savepoint: .*Not all required tasks"):
            lab.cluster.stop(wide)
        lab.cluster.cancel(wide)
        ended = await_ready(lab.cluster, wide)
        assert isinstance(ended, Unready)
        assert ended.final
        assert ended.what.startswith("it is CANCELED: ")

    def test_a_requested_checkpoint_completes(self, lab: Lab) -> None:
        endless = lab.all_run("endless")

        request = lab.cluster.trigger_checkpoint(endless)
        number = until("it", lambda: lab.cluster.triggered(endless, request).checkpoint)

        done = lab.cluster.checkpoints(endless)
        assert done.last is not None
        assert done.last.id >= number
        assert done.completed >= 1
        assert done.last.savepoint or done.last.path.endswith(f"/chk-{done.last.id}")

    def test_an_unknown_request_is_an_error(self, lab: Lab) -> None:
        endless = lab.all_run("endless")

        with pytest.raises(ClusterError) as refused:
            lab.cluster.triggered(endless, NO_JOB)

        assert refused.value.facts == {"status": 404}

    def test_a_job_is_ready_once_a_checkpoint_is_complete(self, lab: Lab) -> None:
        at = await_ready(lab.cluster, lab.jobs["endless"])

        assert isinstance(at, Ready)
        assert at.state == "RUNNING"
        done = lab.cluster.checkpoints(lab.jobs["endless"])
        assert done.last is not None
        assert at.checkpoint is not None
        assert at.checkpoint <= done.last.id

    def test_a_failure_is_reported_by_its_root_cause(self, lab: Lab) -> None:
        failing, endless = lab.jobs["failing"], lab.all_run("endless")

        failure = until("a failure", lambda: (f := lab.cluster.failure(failing)).cause and f)

        assert failure.cause == BY_ZERO
        assert failure.at > 0
        until("a restart", lambda: lab.cluster.restarts(failing) > 0)
        assert lab.cluster.restarts(endless) == 0
        assert lab.cluster.failure(endless).cause == ""

    def test_a_savepoint_is_written_to_the_given_folder(self, lab: Lab) -> None:
        endless = lab.all_run("endless")

        address = lab.cluster.savepoint(endless, f"{PLACE}/here")

        assert address.startswith(f"{PLACE}/here/savepoint-{endless[:6]}-")
        assert not lab.cluster.detail(endless).job.ended

    def test_a_savepoint_that_cannot_be_written_is_an_error(self, lab: Lab) -> None:
        endless = lab.all_run("endless")

        with pytest.raises(ClusterError, match=r"no savepoint: .*bucket does not exist"):
            lab.cluster.savepoint(endless, f"{NOWHERE}/x")

        until("its count", lambda: lab.cluster.checkpoints(endless).failed)
        assert not lab.cluster.detail(endless).job.ended

    def test_workers_that_do_not_answer_complete_nothing(self, lab: Lab) -> None:
        endless = lab.all_run("endless")
        lab.hold_workers()
        try:
            request = lab.cluster.trigger_checkpoint(endless)
            with pytest.raises(ClusterError, match="requested, but is not complete after 1 s"):
                lab.cluster.savepoint(endless, within_s=1)
            assert lab.cluster.triggered(endless, request).checkpoint is None
            late = lab.cluster.unacknowledged(endless)
            assert late
            assert late[0].startswith("Source: ")
        finally:
            lab.release_workers()
        until("it", lambda: lab.cluster.triggered(endless, request).checkpoint)

    def test_stop_leaves_a_savepoint_and_an_ended_job(self, lab: Lab) -> None:
        job = lab.all_run("to_be_stopped")

        address = lab.cluster.stop(job, f"{PLACE}/there")

        assert address.startswith(f"{PLACE}/there/savepoint-{job[:6]}-")
        assert lab.cluster.detail(job).job.state == "FINISHED"
        lab.cluster.cancel(job)  # an ended job is left as it is
        assert lab.cluster.detail(job).job.state == "FINISHED"
        until("its slots to be free", lambda: job not in lab.cluster.slots().held)

    def test_a_cancelled_job_has_ended(self, lab: Lab) -> None:
        job = lab.all_run("to_be_cancelled")

        lab.cluster.cancel(job)

        assert lab.cluster.detail(job).job.state == "CANCELED"
        at = await_ready(lab.cluster, job)
        assert isinstance(at, Unready)
        assert (at.final, at.what) == (True, "it is CANCELED: cancelled")

    def test_metrics_without_a_kafka_source(self, lab: Lab) -> None:
        endless = lab.all_run("endless")

        assert lab.cluster.refresh_metrics()
        assert lab.cluster.unread(endless) is None
        assert lab.cluster.splits(endless) == []

    def test_the_version_is_flinks(self, lab: Lab) -> None:
        assert lab.cluster.version() == "2.3.0"


def _failed(cluster: Cluster, request: str) -> bool:
    """Whether a checkpoint of no job has failed, with Flink's reason."""
    return "Could not find Flink job" in cluster.triggered(NO_JOB, request).failure


class TestInMemory(Obedient):
    @pytest.fixture
    def lab(self) -> Lab:
        def main(submission: Submission) -> SubmittedJob:
            told = submission.environment
            if "REFUSED" in told:
                raise DecisionNeeded(told["REFUSED"], where="jobs/endless.py", remedy="decide")
            parallelism = int(told.get("PARALLELISM", "1"))
            return SubmittedJob(told.get("ONLY", submission.job), parallelism, {"submission": "s1"})

        made = FakeCluster(main, slots=4)
        made.unwritable[NOWHERE] = "The specified bucket does not exist"
        jobs = {name: made.submit(Submission(name, name)) for name in JOBS}
        made.fail(jobs["failing"], BY_ZERO)
        return Lab(made, jobs, made.hold_barriers, made.release_barriers)


class TestSession(Obedient):
    @pytest.fixture(scope="class")
    def everything(self, stack: Stack) -> Iterator[Lab]:
        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        client = FlinkRun(lambda: {**stack.environment, "PYTHONPATH": path})
        cluster = SessionCluster(stack.settings.flink.rest, client)
        before = {job.id for job in cluster.jobs()}
        first = cluster.submit(Submission("endless", "endless"))
        jobs = {job.name: job.id for job in cluster.jobs() if job.id not in before}
        assert jobs["endless"] == first
        lab = Lab(cluster, jobs, stack.pause_taskmanager, stack.resume_taskmanager)
        yield lab
        for job in [*jobs.values(), *lab.begun]:
            cluster.cancel(job)

    @pytest.fixture
    def lab(self, everything: Lab, stack: Stack) -> Lab:  # noqa: ARG002 - its mark
        return everything

    def test_a_module_that_is_not_there_is_an_error_of_the_job(self, lab: Lab) -> None:
        with pytest.raises(JobError) as refused:
            lab.cluster.submit(Submission("events", "no_such_module"))

        assert refused.value.where == "jobs/events.py"

    def test_metrics_are_current_after_a_refresh(self, lab: Lab) -> None:
        endless, rest = lab.all_run("endless"), lab.cluster.address
        source = lab.cluster.detail(endless).vertices[0].id

        def read() -> float:
            assert lab.cluster.refresh_metrics()
            return metrics.metric(rest, endless, source, "numRecordsOut", "sum") or 0

        before = until("records", read)
        assert read() > before


def test_a_silent_cluster_is_no_verdict_on_a_job() -> None:
    cluster = FakeCluster()
    job = cluster.submit(Submission("events", "jobs.events"))
    cluster.silent = True

    at = await_ready(cluster, job, 0)

    assert isinstance(at, Unready)
    assert (at.cause, at.final) == ("silence", False)


def test_a_job_that_fails_again_and_again_is_not_ready_by_its_own_failure() -> None:
    cluster = FakeCluster()
    job = cluster.submit(Submission("failing", "jobs.failing"))
    cluster.hold_barriers()

    at = await_ready(cluster, job, 0.1, lambda _what: cluster.fail(job, BY_ZERO))

    assert isinstance(at, Unready)
    assert (at.cause, at.what) == ("failure", f"it fails: {BY_ZERO}")


def test_a_job_gets_the_slots_that_another_one_leaves() -> None:
    cluster = FakeCluster(lambda s: SubmittedJob(s.job, parallelism=2), slots=3)
    first, second = (cluster.submit(Submission(name, name)) for name in ("first", "second"))
    assert not cluster.detail(second).running

    cluster.cancel(first)

    assert cluster.detail(second).running
    cluster.lose_taskmanagers()
    at = await_ready(cluster, second, 0)
    assert isinstance(at, Unready)
    assert at.cause == "taskmanager"
