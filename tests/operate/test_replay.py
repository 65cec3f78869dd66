"""A replay is planned, run, published and rolled back by functions, each with a deadline."""

from __future__ import annotations

from datetime import timedelta

import pytest

from headrace.cluster.fake import FakeCluster, SubmittedJob
from headrace.errors import ClusterError, DecisionNeeded, UsageError
from headrace.job.start.submit import REPLAY
from headrace.job.submission import of_job, of_replay
from headrace.ledger import replays
from headrace.operate import (
    Workspace,
    abort_replay,
    describe_replay,
    list_replays,
    plan_replay,
    publish_replay,
    roll_back_replay,
    run_replay,
)
from tests.publish.sealed_lake import Lake, by, publish_two_batches


@pytest.fixture
def cluster(cluster: FakeCluster) -> FakeCluster:
    cluster.main = lambda s: SubmittedJob(
        replays.flink_name(s.job, int(s.environment[REPLAY])) if s.environment else s.job, 1
    )
    return cluster


@pytest.fixture
def number(sealed: Lake, cluster: FakeCluster) -> int:
    """The live job runs, and a replay's fork beside it, which has sealed up to offset 20 of 30."""
    cluster.submit(of_job("events"))
    number, claim = sealed.replay(publish_two_batches(sealed))
    cluster.submit(of_replay("events", number))
    sealed.seal(claim, range(10, 20))
    for job in cluster._jobs.values():  # a decision's time is in whole seconds
        job.at -= timedelta(minutes=1)
    return number


def test_a_replay_is_planned_from_an_anchor_offsets_or_a_time_only_with_a_reason(
    workspace: Workspace,
) -> None:
    with pytest.raises(UsageError, match="this needs a reason"):
        plan_replay(workspace, "events", {0: 10}, " ")


def test_a_fork_is_followed_until_the_deadline(workspace: Workspace, number: int) -> None:
    with pytest.raises(ClusterError, match="the fork did not catch up within 0 s: 0 of 30 offsets read"):
        run_replay(workspace, "events", number, follow_s=0)

    at = run_replay(workspace, "events", number, follow=False)
    assert (at.read, at.records, at.caught_up) == (0, 30, False)
    assert at.to_json()["caught_up"] is False


def test_a_fork_is_submitted_once(workspace: Workspace, cluster: FakeCluster, number: int) -> None:
    for _ in range(2):
        run_replay(workspace, "events", number, follow=False)
    assert len(cluster.submitted) == 2


def test_a_fork_that_ends_before_it_has_caught_up_is_an_error(
    workspace: Workspace, cluster: FakeCluster, number: int
) -> None:
    (fork,) = [j.id for j in cluster.jobs() if j.name != "events"]

    def ends(completed: float | None = None, **_: object) -> None:
        if completed is not None:
            cluster.cancel(fork)

    with pytest.raises(ClusterError, match="the fork ended before it caught up: CANCELED"):
        run_replay(workspace, "events", number, progress=ends)


def test_a_swap_cancels_the_old_job_and_its_rollback_cancels_the_fork(
    sealed: Lake, workspace: Workspace, cluster: FakeCluster, number: int
) -> None:
    with pytest.raises(DecisionNeeded, match="what is published: it has reached 0:20"):
        publish_replay(workspace, "events", number, within_s=0)
    sealed.seal(2, range(20, 30))
    fork, live = (j.id for j in cluster.jobs())

    done = publish_replay(workspace, "events", number)

    assert (done.batch, done.live, done.cancelled) == (3, [fork], [live])
    assert sealed.rows() == by(1, range(10)) + by(2, range(10, 30))
    assert publish_replay(workspace, "events", number).cancelled == [], "it is safe to repeat"
    assert done.to_json()["stale"] == ()

    back = roll_back_replay(workspace, "events", number, "the new rule was wrong too")

    assert (back.batch, back.live, back.cancelled) == (4, [], [fork])
    report = describe_replay(workspace, "events", number)
    assert (report.state, list(report.decided)) == ("rolled back", ["published", "rolled back"])
    assert [r.to_json()["state"] for r in list_replays(workspace, "events")] == ["rolled back"]


def test_an_aborted_replay_has_no_job(workspace: Workspace, cluster: FakeCluster, number: int) -> None:
    fork, live = (j.id for j in cluster.jobs())

    for cancelled in ([fork], []):
        assert abort_replay(workspace, "events", number, "the rule was right").cancelled == cancelled

    assert [j.id for j in cluster.jobs() if not j.ended] == [live]
    assert describe_replay(workspace, "events", number).to_json()["state"] == "aborted"
