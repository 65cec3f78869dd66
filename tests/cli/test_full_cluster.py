"""Without a free slot, what waits for one says so, and who holds them. Flink's answers are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli.remedies import Terminal
from lake.sealed_lake import Lake, begun
from submitting import look_in

from headrace.cli import patch as patching
from headrace.contract.load import load_named
from headrace.errors import ClusterError
from headrace.lake import patches, replays
from headrace.lake.store import connect
from headrace.settings import Store

PROJECT = Path(__file__).parents[1] / "stack/project"
CAUSE = "not enough free slots: it needs 2, and 0 of 2 are free (events holds 2)"
TRACE = (
    "java.util.concurrent.CompletionException: outer\n\tat a.B.c(B.java:1)\n"
    "Caused by: org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException:"
    " Could not acquire the minimum required resources.\n\tat d.E.f(E.java:2)\n"
)


def answers(name: str, state: str, trace: str = "") -> dict[str, Any]:
    """Those of a cluster of two slots, which the job `events` holds, about a second job of two subtasks."""
    waits = {"jid": "waits", "name": name, "state": state, "start-time": 1}
    holds = {"jid": "holds", "name": "events", "state": "RUNNING", "start-time": 0}
    vertex = {"id": "v", "name": "Source", "parallelism": 2, "status": "SCHEDULED"}
    return {
        "/jobs/overview": {"jobs": [holds, waits]},
        "/jobs/waits": {**waits, "vertices": [vertex]},
        "/jobs/waits/exceptions?maxExceptions=1": {
            "exceptionHistory": {"entries": [{"timestamp": 1, "stacktrace": trace}] if trace else []}
        },
        "/taskmanagers": {"taskmanagers": [{"id": "t", "slotsNumber": 2, "freeSlots": 0, "path": ""}]},
        "/taskmanagers/t": {"allocatedSlots": [{"jobId": "holds"}, {"jobId": "holds"}]},
    }


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    warehouse = f"file://{tmp_path}/lake"
    monkeypatch.setenv("HEADRACE_PROJECT", str(PROJECT))
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", warehouse)
    for secret in ("ACCESS_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"HEADRACE__STORE__{secret}", "env:HOME")
    look_in(str(PROJECT))
    made = Lake(connect(Store(warehouse=warehouse)), load_named("events"))
    monkeypatch.setattr("headrace.cli.publish.Source", lambda *_: made.topic)
    return made


def full(monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]) -> None:
    monkeypatch.setattr("headrace.cluster.flink.ask", lambda _rest, path, *_, **__: said[path])


def test_a_fork_without_slots_is_refused_at_once(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    number, _ = lake.replay(begun(lake))
    full(monkeypatch, answers(replays.flink_name("events", number), "RUNNING"))
    monkeypatch.setattr("headrace.cli.replay.time.sleep", lambda _: pytest.fail("it waits"))

    code, said = Terminal(capsys).type(f"replay publish events {number}")

    assert code
    said = " ".join(said.split())
    assert f"the fork has not completed a checkpoint yet: {CAUSE}" in said
    assert f"then headrace replay run events {number}" in said


def test_a_fork_that_was_never_submitted_is_refused_at_once(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    number, _ = lake.replay(begun(lake))
    full(monkeypatch, {"/jobs/overview": {"jobs": []}})
    monkeypatch.setattr("headrace.cli.replay.time.sleep", lambda _: pytest.fail("it waits"))

    code, said = Terminal(capsys).type(f"replay publish events {number}")

    assert code
    assert f"not completed a checkpoint yet → headrace replay run events {number}" in " ".join(said.split())


def test_a_bounded_job_that_failed_for_want_of_slots_counts_them(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(lake)
    asked = patches.one(lake.ledger, lake.ask(patches.REPLAY, first={0: 20}, end={0: 28}))
    monkeypatch.setattr(patching, "require_same", lambda *_: None)
    monkeypatch.setattr(patching, "submit_judge", lambda *_: "waits")
    full(monkeypatch, answers("patch", "FAILED", TRACE))

    with pytest.raises(ClusterError) as refused:
        patching.judged(lake.ledger, None, asked)  # type: ignore[arg-type]

    assert f"it is FAILED: {CAUSE}; nothing was changed" in refused.value.what
    assert refused.value.remedy.startswith("stop a job; or give the cluster more slots")
    assert refused.value.remedy.endswith(f"then headrace patch apply events {asked.number}")
