"""``run``, ``stop``, ``status`` and the like, as far as they answer without a cluster."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from headrace import project, settings
from headrace.cli import branch, job, plan, publish
from headrace.cli.pages import standing
from headrace.cli.pages.status import flink_job
from headrace.cluster.fake import FakeCluster
from headrace.cluster.kafka import Lag
from headrace.cluster.model import Split
from headrace.errors import UsageError
from headrace.ledger import survey
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import AcceptTail, Claim
from headrace.ledger.survey import ClaimStatus
from headrace.offsets import Span
from headrace.operate import Workspace
from headrace.operate.plan import plan_job
from headrace.operate.status import EventTime, FlinkJobStatus, Status, accepted_tails
from headrace.publish.topics import TopicChange
from headrace.settings import Settings, Store
from headrace.storage.warehouse import connect
from tests.cli.remedies import Terminal
from tests.cli.shown_branches import claimed, sealed

ROOT = Path(__file__).parents[2]
FLINK_JOB = FlinkJobStatus(
    id="4b1f", state="RUNNING", since=datetime.fromisoformat("2026-11-24T15:18:51.222268+00:00"), restarts=1
)


@pytest.fixture(autouse=True)
def _nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither Flink nor a store answers; the store has secrets, so that they are not reported missing."""
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
def test_an_unknown_job_is_reported_before_anything_else(command: tuple[str, ...]) -> None:
    app = typer.Typer()
    for noun in (branch, job, plan, publish):
        noun.register(app)

    raised = CliRunner().invoke(app, list(command)).exception

    assert isinstance(raised, UsageError)
    assert raised.what == "there is no job 'nojob'"
    assert raised.remedy == f"the jobs here are: {', '.join(project.job_names())}"


def test_run_reports_a_missing_lock_before_it_starts_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("contracts", "jobs", "deploy"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.lock.json"))
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    cluster = FakeCluster()

    code, output = Terminal(capsys, Workspace(settings.load(), cluster=cluster)).type("run flights")

    assert (code, cluster.submitted) == (3, [])
    assert "the job has no lock yet" in output


def test_status_reports_that_there_is_no_checkpoint_yet() -> None:
    assert (
        flink_job(FLINK_JOB) == "RUNNING since 2026-11-24T15:18:51+00:00, 1 restart, last checkpoint none yet"
    )


def test_status_gives_times_to_the_second() -> None:
    at = datetime.fromisoformat("2026-11-24T15:19:01.500000+00:00")
    partitions = (
        Split("flights-1", at, idle=False, paused=False),
        Split("flights-2", at, idle=False, paused=True),
        Split("flights-0", None, idle=True, paused=False),
    )
    timed = replace(
        FLINK_JOB,
        restarts=2,
        last_checkpoint=at,
        failure="boom",
        state_bytes=12_340_000,
        event_time=EventTime(at, 1200, partitions),
    )

    assert flink_job(timed).splitlines() == [
        "RUNNING since 2026-11-24T15:18:51+00:00, 2 restarts, last checkpoint 2026-11-24T15:19:01+00:00",
        "boom",
        "event time 2026-11-24T15:19:01+00:00, offsets unread: 1,200, state: 12.3 MB",
        "held back by flights-1: 2026-11-24T15:19:01+00:00",
        "idle, and not waited for: flights-0",
        "paused, too far ahead: flights-2",
    ]


def test_status_reports_workers_that_do_not_answer() -> None:
    lines = flink_job(replace(FLINK_JOB, metrics_of_now=False)).splitlines()

    assert lines[1] == "its workers do not answer: these are the last known values"


def test_status_shows_no_value_for_what_flink_has_not_reported() -> None:
    lines = flink_job(replace(FLINK_JOB, event_time=EventTime(None, None, ()))).splitlines()

    assert lines[1] == "event time none yet, offsets unread: not known yet, state: unknown"


@pytest.mark.parametrize("place", ["help", "glossary"])
def test_every_state_of_a_branch_is_explained(place: str) -> None:
    source = Path(survey.__file__).read_text()
    states = set(re.findall(r'"(head|waiting|ahead|fork|left behind|set aside)"', source))
    assert len(states) == 6

    if place == "help":
        explained = set(re.findall(r"^ *(\w[\w ]+):", branch.ls.__doc__ or "", re.MULTILINE))
    else:
        explained = set(re.findall(r"state \*(.+?)\*", (ROOT / "docs" / "glossary.md").read_text()))

    assert states <= explained


def test_status_shows_only_accepted_tails_of_the_followed_claim(tmp_path: Path) -> None:
    ledger = Ledger(connect(Store(warehouse=f"file://{tmp_path}/lake")), "flights")
    for number, checkpoint in ((1, 197), (2, 204)):
        ledger.record_decision(AcceptTail(why="w", claim=number, checkpoint=checkpoint, manifests={}))
    claim = Claim(
        number=2,
        submission="s2",
        restored_from=None,
        contract_version="1.0.0",
        at="2026-11-28T01:02:03+00:00",
    )
    second = ClaimStatus(claim, "ahead", followed=True, forks_at={}, checkpoints=None, manifests={})

    decisions = StandingDecisions.of(ledger.decisions())
    assert accepted_tails(decisions, [second]) == (204,)
    assert accepted_tails(decisions, []) == ()


@pytest.mark.parametrize(
    ("change", "accepted", "takes"),
    [
        (TopicChange("flights", "flights", "a", "b"), None, False),
        (TopicChange("flights", "flights", "a", None), Span(0, 10, 19), False),
        (TopicChange("flights", "flights", "a", "a", (Span(0, 10, 19),)), Span(0, 10, 15), False),
        (TopicChange("flights", "flights", "a", "a", (Span(0, 10, 19),)), Span(0, 10, 19), True),
    ],
)
def test_status_reports_whether_publish_takes_what_is_staged(
    change: TopicChange, accepted: Span | None, *, takes: bool
) -> None:
    ahead = claimed(1, "ahead", {}, None, sealed(1, 1))
    output = standing.staged_sentence(
        Status(
            "flights",
            derived=False,
            branches=(ahead,),
            topics_changed=(change,),
            accepted_losses=(accepted,) if accepted else (),
        )
    )

    assert output == (
        "1 file that `headrace publish flights` takes"
        if takes
        else "1 file, which publish currently does not take: see topic"
    )


@pytest.mark.parametrize(
    ("lag", "records", "shown_lag"),
    [
        ({0: 500, 1: 504}, 1_000, "1,000 records, in 1,004 offsets: not every offset holds one"),
        ({0: 1_000}, 1_000, "1,000 records"),
        ({0: 0}, 0, "0 records"),
        ({0: 9_000}, None, "at most 9,000 records (offsets: the end of a transaction takes one too)"),
    ],
)
def test_status_does_not_mistake_offsets_for_records(
    lag: dict[int, int], records: int | None, shown_lag: str
) -> None:
    shown = standing.progress_facts(Status("flights", derived=False, lag=Lag(lag, records)))

    assert shown == {"behind the topic": shown_lag}


def test_plan_shows_how_soon_an_added_partition_is_discovered() -> None:
    shown = plan_job(Workspace(Settings()), "flights").to_json()
    option = "scan.topic-partition-discovery.interval"
    assert shown["settings"][option]["value"] == "30 s"
    assert f"'{option}' = '30 s'" in shown["statements"][0]
