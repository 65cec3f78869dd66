"""``run``, ``stop`` and ``status`` against a cluster in memory: reports on a job that starts or not."""

from __future__ import annotations

import json

import pytest

from headrace.cluster import Submission
from headrace.cluster.fake import FakeCluster, SubmittedJob
from headrace.cluster.kafka.fake import FakeKafka
from headrace.errors import DecisionNeeded
from headrace.job.start.options import SUBMISSION
from headrace.job.submission import of_job
from headrace.savepoint.retained import savepoint_folder
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, publish_two_batches


@pytest.fixture
def cluster(sealed: Lake, cluster: FakeCluster) -> FakeCluster:
    """Its jobs make claims as real ones do."""

    def main(submission: Submission) -> SubmittedJob:
        name = f"s{len(cluster.submitted)}"
        sealed.ledger.record_claim(name, submission.savepoint, "1.0.0")
        return SubmittedJob(submission.job, 2, {SUBMISSION: name})

    cluster.main = main
    return cluster


def run(terminal: Terminal, line: str, expect: int = 0) -> str:
    code, text = terminal.type(line)
    assert code == expect, text
    return " ".join(text.split())


def test_run_ends_when_a_checkpoint_is_complete(cluster: FakeCluster, terminal: Terminal) -> None:
    answer = json.loads(terminal.type("run events -o json")[1])

    (job,) = cluster.jobs()
    assert answer == {"job": "events", "flink_job": job.id, "state": "RUNNING", "checkpoint": 1}
    assert cluster.submitted == [of_job("events")]
    again = run(terminal, "run events", expect=2)
    assert f"job events is already running, as Flink job {job.id} (RUNNING)" in again
    assert len(cluster.submitted) == 1


def test_run_restores_the_given_savepoint(cluster: FakeCluster, terminal: Terminal) -> None:
    run(terminal, "run events --savepoint s3://lake/savepoint-1")

    assert cluster.submitted == [of_job("events", "s3://lake/savepoint-1")]


def test_a_bounded_job_may_end_before_its_first_checkpoint(cluster: FakeCluster, terminal: Terminal) -> None:
    cluster.then = cluster.finish

    assert "it has finished" in run(terminal, "run events")


@pytest.mark.parametrize(
    ("option", "then", "state"),
    [
        ("", "the job and claim 1 stay", "RUNNING"),
        (
            "--cancel-on-timeout",
            "it is CANCELED, and claim 1, which staged nothing, is set aside",
            "CANCELED",
        ),
    ],
)
def test_a_job_without_slots_is_reported_with_its_end(
    cluster: FakeCluster, terminal: Terminal, option: str, then: str, state: str
) -> None:
    cluster.slots_in_all = 1

    output = run(terminal, f"run events --timeout 0 {option}", expect=1)

    assert (
        "job events did not become ready within 0 s: not enough free slots: it needs 2, and 1 of 1" in output
    )
    assert then in output
    assert [job.state for job in cluster.jobs()] == [state]


def test_a_job_that_refuses_to_start_keeps_its_message_and_exit_code(
    cluster: FakeCluster, terminal: Terminal
) -> None:
    def refusing(_: Submission) -> SubmittedJob:
        raise DecisionNeeded("the topic is another one", where="topic events", remedy="decide")

    cluster.main = refusing

    assert "topic events: the topic is another one → decide" in run(terminal, "run events", expect=3)


def test_nothing_is_submitted_where_kafka_does_not_answer(
    cluster: FakeCluster, kafka: FakeKafka, terminal: Terminal
) -> None:
    kafka.silent = True

    assert "Kafka does not answer" in run(terminal, "run events", expect=1)
    assert cluster.submitted == []


def test_stop_writes_a_savepoint_where_run_looks_for_it(
    cluster: FakeCluster, sealed: Lake, terminal: Terminal
) -> None:
    run(terminal, "run events")
    (job,) = cluster.jobs()

    answer = json.loads(terminal.type("stop events -o json")[1])

    place = f"{sealed.warehouse.uri}/{savepoint_folder('events')}/savepoint-"
    assert answer["savepoints"][job.id].startswith(place)
    assert cluster.detail(job.id).job.state == "FINISHED"
    assert "job events does not run" in run(terminal, "stop events", expect=2)


def test_a_job_that_ran_is_not_stopped_without_a_savepoint(cluster: FakeCluster, terminal: Terminal) -> None:
    run(terminal, "run events")
    (job,) = cluster.jobs()
    cluster.lose_taskmanagers()

    output = run(terminal, "stop events", expect=1)

    assert "job events cannot take a savepoint now: no TaskManager is registered" in output
    assert f"flink cancel {job.id}" in output
    assert not cluster.detail(job.id).job.ended


def test_a_job_that_never_ran_is_cancelled(cluster: FakeCluster, terminal: Terminal) -> None:
    cluster.slots_in_all = 1
    cluster.submit(of_job("events"))

    output = run(terminal, "stop events")

    assert "it never ran, so there is no savepoint (not enough free slots" in output
    assert "it is CANCELED, and claim 1, which staged nothing, is set aside" in output


def test_status_waits_for_a_job_that_others_submit(cluster: FakeCluster, terminal: Terminal) -> None:
    missing = run(terminal, "status events --wait --timeout 0", expect=1)
    assert "job events is not running: nothing submitted it within 0 s" in missing

    job = cluster.submit(of_job("events"))
    cluster.fail(job, "java.lang.IllegalStateException: once")
    answer = json.loads(terminal.type("status events --wait -o json")[1])

    (running,) = answer["flink_jobs"]
    assert (running["id"], running["state"], running["restarts"]) == (job, "RUNNING", 1)
    assert running["failure"] == "java.lang.IllegalStateException: once"
    assert running["checkpoints"] == {"completed": 1, "failed": 0}


def test_status_shows_the_lake_without_an_answer_from_flink(
    cluster: FakeCluster, sealed: Lake, terminal: Terminal
) -> None:
    publish_two_batches(sealed)
    cluster.silent = True

    code, output = terminal.type("status events -o json")

    answer = json.JSONDecoder().raw_decode(output)[0]
    assert code == 1
    assert answer["flink_error"] == "Flink does not answer: it is silent"
    assert (answer["batch"], answer["frontier"], answer["rows"]["events"]) == (2, {"0": 30}, 25)
