"""Without a free slot, a waiting job is reported with the holders of the slots."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace import settings
from headrace.cluster import Submission
from headrace.cluster.fake import FakeCluster, SubmittedJob
from headrace.cluster.ready import NO_SLOTS
from headrace.contract.load import load_contract
from headrace.errors import ClusterError
from headrace.job.start.submit import REPLAY
from headrace.job.submission import of_job, of_replay
from headrace.ledger import patches, replays
from headrace.operate import Workspace
from headrace.operate.parts import judge
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, publish_two_batches
from tests.stack.submitting import look_in

PROJECT = Path(__file__).parents[1] / "stack/project"
CAUSE = "not enough free slots: it needs 2, and 0 of 2 are free (events holds 2)"


def main(submission: Submission) -> SubmittedJob:
    """Every job has two subtasks; the fork of a replay is known by its name."""
    replay = submission.environment.get(REPLAY)
    name = replays.flink_name(submission.job, int(replay)) if replay else submission.job
    return SubmittedJob(name, parallelism=2)


@pytest.fixture
def cluster() -> FakeCluster:
    """Two slots, which the job `events` holds."""
    made = FakeCluster(main, slots=2)
    made.submit(of_job("events"))
    return made


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    warehouse = f"file://{tmp_path}/lake"
    monkeypatch.setenv("HEADRACE_PROJECT", str(PROJECT))
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", warehouse)
    for secret in ("ACCESS_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"HEADRACE__STORE__{secret}", "env:HOME")
    look_in(str(PROJECT))
    return Lake(connect(Store(warehouse=warehouse)), load_contract("events"))


@pytest.fixture
def workspace(lake: Lake, cluster: FakeCluster) -> Workspace:
    return Workspace(settings.load(), cluster=cluster, kafka=lake.kafka)


def test_a_fork_without_slots_is_refused_at_once(
    lake: Lake, workspace: Workspace, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    number, _ = lake.replay(publish_two_batches(lake))
    cluster.submit(of_replay("events", number))

    code, output = Terminal(capsys, workspace).type(f"replay publish events {number} --within 0")

    assert code
    output = " ".join(output.split())
    assert f"the fork has not completed a checkpoint yet: {CAUSE}" in output
    assert f"then headrace replay run events {number}" in output


def test_a_fork_that_was_never_submitted_is_refused_at_once(
    lake: Lake, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    number, _ = lake.replay(publish_two_batches(lake))

    code, output = Terminal(capsys, workspace).type(f"replay publish events {number} --within 0")

    assert code
    assert f"not completed a checkpoint yet → headrace replay run events {number}" in " ".join(output.split())


def test_a_bounded_job_that_failed_for_want_of_slots_counts_them(
    lake: Lake, workspace: Workspace, cluster: FakeCluster
) -> None:
    publish_two_batches(lake)
    request = patches.one(lake.ledger, lake.ask(patches.REPLAY, first={0: 20}, end={0: 28}))
    cause = f"org.apache.flink.runtime.jobmanager.scheduler.{NO_SLOTS}: Could not acquire the slots"
    cluster.then = lambda job: cluster.fail(job, cause, for_good=True)

    with pytest.raises(ClusterError) as refused:
        judge.judge_records(workspace.job("events"), request, within_s=9)

    assert f"it is FAILED: {CAUSE}; nothing was changed" in refused.value.what
    assert refused.value.remedy.startswith("stop a job; or give the cluster more slots")
    assert refused.value.remedy.endswith(f"then headrace patch judge events {request.number}")
