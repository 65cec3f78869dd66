"""What may happen while a patch is judged: without a Flink job, with real tables."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.cli.output import out
from headrace.cli.pages import patch as pages
from headrace.cluster import Submission
from headrace.cluster.fake import FakeCluster, SubmittedJob
from headrace.errors import ClusterError, ConservationError, UsageError
from headrace.files import RecordedFile
from headrace.ledger import patch_history, patches
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Discard, JudgedPatch, Patch
from headrace.offsets import Span
from headrace.operate import Workspace
from headrace.operate.parts import judge
from headrace.operate.parts.patch_report import report
from headrace.operate.parts.reason import require_reason
from headrace.operate.patch import abort_patch, judge_patch, publish_or_abort
from tests.ledger.sample_records import judged
from tests.publish.sealed_lake import Lake, by, publish_two_batches


def test_a_redrive_that_is_published_while_a_range_is_judged_is_not_reversed_by_it(
    sealed: Lake, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = sealed
    publish_two_batches(lake)
    bounded = lake.ask(patches.REPLAY, first={0: 20}, end={0: 28})
    redrive = lake.judge(patches.REDRIVE, good=range(26, 28))

    def judging(submission: Submission) -> SubmittedJob:
        lake.patcher().publish(redrive)
        return SubmittedJob(submission.job)

    def gather(
        ledger: Ledger, _program: object, request: Patch, submission: str, after_batch: int
    ) -> JudgedPatch:
        rows = lake._file("events", f"patch-{request.number}", 1, range(20, 28))
        made = [RecordedFile(**rows, rows=8, partition={}, statistics="")]
        outcome = judged({"events": made}, submission=submission, after_batch=after_batch, refused=())
        return patches.store_judged(ledger, request.number, outcome)

    monkeypatch.setattr(judge, "check_and_record_judged", gather)
    workspace.cluster = cluster = FakeCluster(judging)
    cluster.then = cluster.finish
    judge.judge_records(workspace.job("events"), patches.one(lake.ledger, bounded), within_s=9)

    with pytest.raises(
        ConservationError, match=f"redrive {redrive} has published some of these records since"
    ):
        lake.patcher().publish(bounded)
    moved = by(1, range(25)) + by(f"patch {redrive}", range(26, 28)) + by("bad", [25, 28, 29])
    assert lake.rows() == sorted(moved)


def test_a_patch_whose_job_gets_no_slots_is_cancelled_and_reported(
    sealed: Lake, workspace: Workspace
) -> None:
    publish_two_batches(sealed)
    bounded, cluster = sealed.ask(patches.REPLAY, first={0: 20}, end={0: 28}), FakeCluster(slots=0)
    workspace.cluster = cluster

    with pytest.raises(
        ClusterError, match=r"not enough free slots: .*; its bounded job is cancelled"
    ) as refused:
        judge.judge_records(
            workspace.job("events"), patches.one(sealed.ledger, bounded), within_s=9, start_s=0
        )

    assert [job.state for job in cluster.jobs()] == ["CANCELED"]
    assert refused.value.remedy.startswith("stop a job; ")
    assert refused.value.remedy.endswith(f"; then headrace patch judge events {bounded}")
    assert patch_history.state(sealed.ledger, bounded) == "requested"


def test_a_blank_reason_is_refused() -> None:
    require_reason("x")
    for why in ("", "  ", "\n"):
        with pytest.raises(UsageError, match="this needs a reason"):
            require_reason(why)


def test_a_bounded_job_that_does_not_end_within_its_deadline_is_cancelled(
    sealed: Lake, workspace: Workspace
) -> None:
    publish_two_batches(sealed)
    bounded, cluster = sealed.ask(patches.REPLAY, first={0: 20}, end={0: 28}), FakeCluster()
    workspace.cluster = cluster

    with pytest.raises(ClusterError, match="did not finish within 0 s, and was cancelled") as late:
        judge_patch(workspace, "events", bounded, within_s=0)

    assert late.value.remedy.startswith(f"headrace patch judge events {bounded} --timeout SECONDS")
    assert [job.state for job in cluster.jobs()] == ["CANCELED"]


def test_aborting_a_patch_is_safe_to_repeat(sealed: Lake, workspace: Workspace) -> None:
    publish_two_batches(sealed)
    number = sealed.judge(patches.REDRIVE, good=range(26, 28))

    first = abort_patch(workspace, "events", number, "the wrong records")
    decisions = len(sealed.ledger.decisions())

    assert abort_patch(workspace, "events", number, "again").to_json() == first.to_json()
    assert len(sealed.ledger.decisions()) == decisions


def test_a_redrive_reports_the_outcome_of_each_record(sealed: Lake, workspace: Workspace) -> None:
    lake, job = sealed, workspace.job("events")
    publish_two_batches(lake)

    def document(number: int) -> dict[str, Any]:
        return report(job, patches.one(lake.ledger, number)).to_json()

    def page(number: int) -> str:
        with out.capture() as captured:
            out.print(pages.page(report(job, patches.one(lake.ledger, number))))
        return captured.get()

    first = lake.judge(patches.REDRIVE, good=range(25, 28))
    again = lake.judge(patches.REDRIVE, good=range(27, 28))
    assert "would come in    3 rows" in page(first)
    lake.ledger.record_decision(Discard(why="test", spans=(Span.parse("0:25"),)))
    lake.patcher().publish(first)
    assert document(first)["left"] == 1
    assert "into the table   2 rows" in page(first)
    assert "left alone       1 record, discarded or moved since it was judged" in page(first)
    lake.patcher().roll_back(first, "a mistake")
    back = document(first)["rolled_back"]
    assert (back["why"], bool(back["by"])) == ("a mistake", True)
    assert f"rolled back {back['at']} by {back['by']}: a mistake" in page(first)
    lake.patcher().publish(lake.judge(patches.REDRIVE, good=range(27, 28)))
    assert publish_or_abort(lake.patcher(), again) is None
    assert document(again)["aborted"] == "no record of it is left to be moved"
    assert "aborted          no record of it is left to be moved; nothing was changed" in page(again)
    assert "into the table" not in page(again)
