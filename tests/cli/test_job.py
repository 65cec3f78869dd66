"""``run``, ``stop``, ``status`` and the like, as far as they answer without a cluster."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from headrace import project, settings
from headrace.cli import branch, job, plan, publish, standing
from headrace.cluster.fake import FakeCluster
from headrace.errors import UsageError
from headrace.job.assemble import named
from headrace.ledger import survey
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import AcceptTail, Claim
from headrace.ledger.survey import ClaimStatus
from headrace.offsets import Span
from headrace.operate import Workspace
from headrace.publish.foresee import Foreseen
from headrace.publish.topics import Change
from headrace.settings import Settings, Store
from headrace.storage.warehouse import connect
from tests.cli.remedies import Terminal

ROOT = Path(__file__).parents[2]
FLINK_JOB: dict[str, Any] = {
    "state": "RUNNING",
    "since": "2026-11-24T15:18:51.222268+00:00",
    "restarts": 1,
    "last_checkpoint": None,
    "state_bytes": None,
    "failure": "",
    "metrics_of_now": True,
}


@pytest.fixture(autouse=True)
def _nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Flink answers here; a store does not either, but has secrets, so that nothing is said of those."""
    monkeypatch.setenv("HEADRACE__FLINK__REST", "http://127.0.0.1:9")
    for key in ("access_key", "secret_key"):
        (tmp_path / key).write_text("any")
        monkeypatch.setenv(f"HEADRACE__STORE__{key.upper()}", f"file:{tmp_path / key}")


@pytest.mark.parametrize(
    "command",
    [
        ("run", "nojob"),
        ("stop", "nojob"),
        ("status", "nojob"),
        ("plan", "nojob"),
        ("publish", "nojob"),
        ("branch", "ls", "nojob"),
        ("branch", "show", "nojob", "1"),
        ("branch", "set-aside", "nojob", "1", "--why", "x"),
        ("branch", "adopt", "nojob", "1", "--why", "x"),
        ("branch", "restart", "nojob", "--why", "x"),
    ],
    ids=" ".join,
)
def test_a_job_that_is_not_there_is_told_before_anything_else(command: tuple[str, ...]) -> None:
    app = typer.Typer()
    for noun in (branch, job, plan, publish):
        noun.register(app)

    raised = CliRunner().invoke(app, list(command)).exception

    assert isinstance(raised, UsageError)
    assert raised.what == "there is no job 'nojob'"
    assert raised.remedy == f"the jobs here are: {', '.join(project.job_names())}"


def test_run_says_that_there_is_no_lock_before_it_starts_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("contracts", "jobs", "deploy"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.lock.json"))
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    cluster = FakeCluster()

    code, said = Terminal(capsys, Workspace(settings.load(), cluster=cluster)).type("run flights")

    assert (code, cluster.submitted) == (3, [])
    assert "the job has no lock yet" in said


def test_status_says_that_there_is_no_checkpoint_yet() -> None:
    said = job._running(FLINK_JOB)

    assert said == "RUNNING since 2026-11-24T15:18:51+00:00, 1 restart, last checkpoint none yet"


def test_status_tells_times_to_the_second() -> None:
    at = "2026-11-24T15:19:01.500000+00:00"
    timed = FLINK_JOB | {
        "restarts": 2,
        "last_checkpoint": at,
        "failure": "boom",
        "watermark": at,
        "unread": 1200,
        "state_bytes": 12_340_000,
        "partitions": [
            {"name": "flights-1", "watermark": at, "idle": False, "paused": False},
            {"name": "flights-2", "watermark": at, "idle": False, "paused": True},
            {"name": "flights-0", "watermark": None, "idle": True, "paused": False},
        ],
    }

    assert [line.strip() for line in job._running(timed).splitlines()] == [
        "RUNNING since 2026-11-24T15:18:51+00:00, 2 restarts, last checkpoint 2026-11-24T15:19:01+00:00",
        "boom",
        "event time 2026-11-24T15:19:01+00:00, offsets unread: 1,200, state: 12.3 MB",
        "held back by flights-1: 2026-11-24T15:19:01+00:00",
        "silent, and not waited for: flights-0",
        "not read for now, too far ahead: flights-2",
    ]


def test_status_tells_when_the_workers_do_not_answer() -> None:
    said = job._running(FLINK_JOB | {"metrics_of_now": False})

    assert said.splitlines()[1].strip() == "its workers do not answer: these are their last known values"


def test_status_does_not_say_none_where_flink_has_told_nothing() -> None:
    said = job._running(FLINK_JOB | {"watermark": None, "unread": None, "partitions": []})

    assert (
        said.splitlines()[1].strip() == "event time none yet, offsets unread: not known yet, state: unknown"
    )


@pytest.mark.parametrize("place", ["help", "glossary"])
def test_every_state_of_a_branch_is_explained(place: str) -> None:
    source = Path(survey.__file__).read_text()
    states = set(re.findall(r'"(head|waiting|ahead|fork|left behind|set aside)"', source))
    assert len(states) == 6

    if place == "help":
        told = set(re.findall(r"^ *(\w[\w ]+):", branch.ls.__doc__ or "", re.MULTILINE))
    else:
        told = set(re.findall(r"state \*(.+?)\*", (ROOT / "docs" / "glossary.md").read_text()))

    assert states <= told


def test_status_shows_only_accepted_tails_of_the_followed_claim(tmp_path: Path) -> None:
    ledger = Ledger(connect(Store(warehouse=f"file://{tmp_path}/lake")), "flights")
    for number, checkpoint in ((1, 197), (2, 204)):
        ledger.decide(AcceptTail(why="w", claim=number, checkpoint=checkpoint, manifests={}))
    claim = Claim(
        number=2,
        submission="s2",
        restored_from=None,
        contract_version="1.0.0",
        at="2026-11-28T01:02:03+00:00",
    )
    second = ClaimStatus(claim, "ahead", followed=True, forks_at={}, checkpoints=None, manifests={})

    assert job._tails(ledger, [second]) == [204]
    assert job._tails(ledger, []) == []


@pytest.mark.parametrize(
    ("change", "accepted", "takes"),
    [
        (Change("flights", "flights", "a", "b"), [], False),
        (Change("flights", "flights", "a", None), ["0:10-19"], False),
        (Change("flights", "flights", "a", "a", (Span(0, 10, 19),)), ["0:10-15"], False),
        (Change("flights", "flights", "a", "a", (Span(0, 10, 19),)), ["0:10-19"], True),
    ],
)
def test_status_says_whether_publish_takes_what_is_staged(
    change: Change, accepted: list[str], *, takes: bool
) -> None:
    said = standing.staged(
        {
            "job": "flights",
            "unpublished_files": 1,
            "topics_changed": [change.to_json()],
            "accepted_losses": accepted,
            "accepted_tails": [],
            "foreseen": Foreseen().to_json(),
        }
    )

    assert said == (
        "1 file that `headrace publish flights` takes"
        if takes
        else "1 file, which publish does not take as things stand: see topic"
    )


@pytest.mark.parametrize(
    ("lag", "records", "says"),
    [
        ({0: 500, 1: 504}, 1_000, "1,000 records, in 1,004 offsets: not each of them holds one"),
        ({0: 1_000}, 1_000, "1,000 records"),
        ({0: 0}, 0, "0 records"),
        ({0: 9_000}, None, "at most 9,000 records (offsets: the end of a transaction takes one too)"),
    ],
)
def test_status_does_not_take_offsets_for_records(
    lag: dict[int, int], records: int | None, says: str
) -> None:
    shown = standing.against_the_topic({"frontier": {}, "lag": lag, "lag_records": records})

    assert shown == {"behind the topic": says}


def test_plan_shows_how_soon_an_added_partition_is_found() -> None:
    shown = plan._as_json(Settings(), named("flights"), None)
    option = "scan.topic-partition-discovery.interval"
    assert shown["settings"][option]["value"] == "30 s"
    assert f"'{option}' = '30 s'" in shown["statements"][0]
