"""What may come in between while a patch is judged: the job is not there, the tables are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.cli import patch as patching
from headrace.cli.output import Format
from headrace.cluster import Submission
from headrace.cluster.fake import FakeCluster, Started
from headrace.contract.load import load
from headrace.errors import ClusterError, ConservationError, UsageError
from headrace.files import RecordedFile
from headrace.job.declaration import Ingest
from headrace.job.ingest import IngestProgram
from headrace.ledger import patches
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Discard, Judged, Patch
from headrace.offsets import Span
from headrace.operate import Workspace
from headrace.operate.preconditions import require_reason
from headrace.publish import patch_history
from headrace.settings import Settings, Store
from headrace.storage.warehouse import connect
from tests.ledger.sample_records import judged
from tests.publish.sealed_lake import CONTRACT, Lake, begun, by


def test_a_redrive_that_is_put_in_while_a_stretch_is_judged_is_not_undone_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))
    begun(lake)
    stretch = lake.ask(patches.REPLAY, first={0: 20}, end={0: 28})
    redrive = lake.judge(patches.REDRIVE, good=range(26, 28))

    def judging(submission: Submission) -> Started:
        lake.patcher().put_in(redrive)
        return Started(submission.job)

    def gather(ledger: Ledger, _program: object, asked: Patch, submission: str, behind: int) -> Judged:
        rows = lake._file("events", f"patch-{asked.number}", 1, range(20, 28))
        made = [RecordedFile(**rows, rows=8, partition={}, statistics="")]
        told = judged({"events": made}, submission=submission, behind=behind, refused=())
        return patches.keep_judged(ledger, asked.number, told)

    monkeypatch.setattr(patching, "require_same", lambda *_: None)
    monkeypatch.setattr(patching, "gather", gather)
    cluster = FakeCluster(judging)
    cluster.then = cluster.finish
    patching.judged(
        Workspace(Settings(), cluster=cluster), lake.ledger, None, patches.one(lake.ledger, stretch)
    )  # type: ignore[arg-type]

    with pytest.raises(ConservationError, match=f"redrive {redrive} has put some of these records in since"):
        lake.patcher().put_in(stretch)
    moved = by(1, range(25)) + by(f"patch {redrive}", range(26, 28)) + by("bad", [25, 28, 29])
    assert lake.rows() == sorted(moved)


def test_a_patch_whose_job_finds_no_slots_is_cancelled_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))
    begun(lake)
    stretch, cluster = lake.ask(patches.REPLAY, first={0: 20}, end={0: 28}), FakeCluster(slots=0)
    monkeypatch.setattr(patching, "require_same", lambda *_: None)
    monkeypatch.setattr(patching, "WITHIN_S", 0.0)

    with pytest.raises(
        ClusterError, match=r"not enough free slots: .*; its bounded job is cancelled"
    ) as refused:
        patching.judged(
            Workspace(Settings(), cluster=cluster), lake.ledger, None, patches.one(lake.ledger, stretch)
        )  # type: ignore[arg-type]

    assert [job.state for job in cluster.jobs()] == ["CANCELED"]
    assert refused.value.remedy.startswith("stop a job; ")
    assert refused.value.remedy.endswith(f"; then headrace patch apply events {stretch}")
    assert patch_history.state(lake.ledger, stretch) == "asked"


def test_blanks_are_no_reason() -> None:
    require_reason("x")
    for why in ("", "  ", "\n"):
        with pytest.raises(UsageError, match="this needs a reason"):
            require_reason(why)


def test_what_came_of_a_redrive_is_told_to_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))
    begun(lake)
    program = IngestProgram(Ingest("events"), lake.contract, (lake.contract,))

    def told(number: int, output: Format) -> str:
        asked, _ = patches.one(lake.ledger, number), capsys.readouterr()
        patching.answer(lake.ledger, program, asked, None, output)
        return capsys.readouterr().out

    first = lake.judge(patches.REDRIVE, good=range(25, 28))
    again = lake.judge(patches.REDRIVE, good=range(27, 28))
    assert "would come in    3 rows" in told(first, Format.text)
    lake.ledger.decide(Discard(why="test", spans=(Span.parse("0:25"),)))
    lake.patcher().put_in(first)
    assert json.loads(told(first, Format.json))["left"] == 1
    said = told(first, Format.text)
    assert "into the table   2 rows" in said
    assert "left alone       1 record, discarded or moved since it was judged" in said
    lake.patcher().undo(first, "a mistake")
    back = json.loads(told(first, Format.json))["taken_back"]
    assert (back["why"], bool(back["by"])) == ("a mistake", True)
    assert f"taken back {back['at']} by {back['by']}: a mistake" in told(first, Format.text)
    lake.patcher().put_in(lake.judge(patches.REDRIVE, good=range(27, 28)))
    lake.patcher().put_in(again)
    assert json.loads(told(again, Format.json))["given_up"] == "no record of it is left to be moved"
    said = told(again, Format.text)
    assert "given up         no record of it is left to be moved; nothing was changed" in said
    assert "into the table" not in said
