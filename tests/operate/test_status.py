"""Where a job stands is a typed value, and its document is what `headrace status -o json` prints."""

from __future__ import annotations

import pytest

from headrace.cluster.fake import FakeCluster
from headrace.errors import DecisionNeeded, UsageError
from headrace.job.submission import of_job
from headrace.operate import (
    Workspace,
    adopt_branch,
    describe_branch,
    list_branches,
    read_status,
    restart_branch,
    set_aside_branch,
)
from tests.publish.sealed_lake import Lake, publish_two_batches


def test_a_status_combines_flink_the_topic_and_the_lake(
    sealed: Lake, workspace: Workspace, cluster: FakeCluster
) -> None:
    job = cluster.submit(of_job("events"))
    publish_two_batches(sealed)
    sealed.seal(1, range(30, 33))

    status = read_status(workspace, "events")

    assert [j.id for j in status.flink_jobs] == [job]
    assert (status.head.batch, status.head.frontier, status.unpublished_files) == (2, {0: 30}, 1)
    assert (status.followed and status.followed.state, status.forks, status.set_aside) == ("ahead", (), ())
    document = status.to_json()
    assert (document["claim"], document["state"], document["rows"]["events"]) == (1, "ahead", 25)
    assert document["flink_jobs"][0]["checkpoints"] == {"completed": 0, "failed": 0}


def test_a_flink_that_does_not_answer_is_part_of_the_answer(
    sealed: Lake, workspace: Workspace, cluster: FakeCluster
) -> None:
    publish_two_batches(sealed)
    cluster.silent = True

    status = read_status(workspace, "events")

    assert status.flink_error
    assert (status.flink_jobs, status.head.batch) == ((), 2)
    assert status.to_json()["flink_error"] == status.flink_error.what


def test_a_branch_is_set_aside_and_adopted_by_decisions_that_can_be_undone(
    sealed: Lake, workspace: Workspace
) -> None:
    publish_two_batches(sealed)
    fork = sealed.submit()
    sealed.seal(fork, range(10))
    assert [(b.claim.number, b.state) for b in list_branches(workspace, "events")] == [
        (1, "head"),
        (2, "fork"),
    ]
    with pytest.raises(DecisionNeeded, match="claim 2 does not continue from the published head"):
        adopt_branch(workspace, "events", fork, "w")
    with pytest.raises(UsageError, match="this needs a reason"):
        set_aside_branch(workspace, "events", fork, "")

    done = set_aside_branch(workspace, "events", fork, "restored the wrong savepoint")

    assert done.to_json() == {"decision": 1, "action": "set-aside", "undone": False, "claim": 2}
    assert [d.why for d in describe_branch(workspace, "events", fork).decisions] == [
        "restored the wrong savepoint"
    ]
    assert read_status(workspace, "events").set_aside == (2,)
    assert set_aside_branch(workspace, "events", fork, "w", undo=True).undone
    assert read_status(workspace, "events").set_aside == ()


def test_a_restart_is_due_until_it_is_undone(sealed: Lake, workspace: Workspace) -> None:
    publish_two_batches(sealed)

    assert restart_branch(workspace, "events", "the bucket lost its checkpoints").frontier == {0: 30}
    assert read_status(workspace, "events").restart_due
    restart_branch(workspace, "events", "found again", undo=True)
    assert not read_status(workspace, "events").restart_due
