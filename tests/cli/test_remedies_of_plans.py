"""Where a job has no lock, a broken one or that of an earlier query, the named remedy helps.

The compiler is handed in: it gives the plan that the tests' project has accepted. The real one is asked in
tests/stack, and once here, where it cannot start.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyflink
import pytest

from headrace.job import lock
from headrace.job.program import Program
from headrace.job.refused import flink_refusal
from headrace.operate import Workspace
from headrace.operate.parts.compiler import compiler
from tests.cli.remedies import Terminal

JOB = "events_by_hour"
Compiles = Callable[[Callable[[str], str]], None]


@pytest.fixture
def place(project: Path) -> Path:
    """Of the job's lock."""
    return project / f"jobs/{JOB}.lock.json"


@pytest.fixture
def accepted(place: Path) -> dict[str, Any]:
    """The plan in the lock."""
    plan: dict[str, Any] = json.loads(place.read_text())["plan"]
    return plan


@pytest.fixture
def compiles(workspace: Workspace, accepted: dict[str, Any]) -> Compiles:
    """Let the compiler give the accepted plan, changed so."""

    def make(changed: Callable[[str], str] = lambda text: text) -> None:
        plan = json.loads(changed(json.dumps(accepted)))
        workspace.compile = lambda program, _progress: lock.of(program, plan)

    make()
    return make


@pytest.mark.usefixtures("compiles")
def test_the_remedy_for_a_missing_lock_helps(place: Path, terminal: Terminal) -> None:
    place.unlink()
    output = terminal.refused(f"run {JOB}")
    assert "the job has no lock yet" in output

    terminal.follow(output, "job/lock.py: plan □ --accept")

    assert terminal.type(f"plan {JOB}")[0] == 0
    place.unlink()
    page = terminal.follow(output, "job/lock.py: plan □", exits=3)
    terminal.follow(page, "cli/pages/plan.py: plan □ --accept")
    assert terminal.type(f"plan {JOB}")[0] == 0


@pytest.mark.usefixtures("compiles")
def test_the_remedy_for_a_broken_lock_helps(place: Path, terminal: Terminal) -> None:
    place.write_text("<<<<<<< ours")
    checked, planned = terminal.refused(f"check {JOB}"), terminal.refused(f"plan {JOB}")
    assert "this is not a lock" in checked
    assert "this is not a lock" in planned

    place.unlink()
    terminal.follow(checked, "operate/check.py: plan □ --accept")
    assert terminal.type(f"check {JOB}")[0] == 0
    place.unlink()
    terminal.follow(planned, "job/lock.py: plan □ --accept")
    assert terminal.type(f"plan {JOB}")[0] == 0


def test_the_remedy_for_dropped_state_helps(project: Path, compiles: Compiles, terminal: Terminal) -> None:
    query = project / f"sql/{JOB}/by_hour.sql"
    query.write_text(query.read_text().replace("'1' HOUR", "'2' HOUR"))
    compiles(lambda text: text.replace("PT1H", "PT2H"))
    output = terminal.refused(f"plan {JOB} --accept")
    assert "group-window-aggregate (8) is dropped: its state is lost" in output

    terminal.follow(output, "operate/plan.py: plan □ --accept□□")

    assert terminal.type(f"plan {JOB}")[0] == 0


def test_the_remedy_for_a_query_that_flink_refuses_helps(
    project: Path, workspace: Workspace, compiles: Compiles, terminal: Terminal
) -> None:
    query = project / f"sql/{JOB}/by_hour.sql"
    right = query.read_text()
    query.write_text(right.replace("COUNT(*)", "COUNT(nobody)"))

    def refuses(program: Program, _progress: object) -> lock.Lock:
        raise flink_refusal(program, "", ["Column 'nobody' not found in any table"])

    workspace.compile = refuses
    output = terminal.refused(f"plan {JOB} --accept")
    assert "Flink does not accept this: Column 'nobody' not found" in output

    query.write_text(right)
    compiles(lambda text: text)
    terminal.follow(output, "job/refused.py: plan □ --accept")


def test_check_helps_when_the_compiler_does_not_start(
    place: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.unlink()
    monkeypatch.setenv("FLINK_HOME", str(Path(pyflink.__file__).parent))
    monkeypatch.setenv("JAVA_HOME", str(place.parent))
    output = terminal.refused(f"plan {JOB} --accept")
    assert "the job does not compile" in output

    answer = terminal.follow(output, "job/lock.py: check □")

    assert "ok" in answer.split()


def test_the_remedy_for_a_folder_without_flink_helps(
    project: Path,
    place: Path,
    workspace: Workspace,
    accepted: dict[str, Any],
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place.unlink()
    monkeypatch.setenv("FLINK_HOME", str(project))
    workspace.compile = compiler(workspace.settings, lambda program, _environment: lock.of(program, accepted))
    output = terminal.refused(f"plan {JOB} --accept")
    assert "FLINK_HOME names a folder without Flink" in output

    monkeypatch.setenv("FLINK_HOME", str(Path(pyflink.__file__).parent))  # or unset, and one is assembled
    terminal.follow(output, "operate/parts/compiler.py: plan □ --accept")

    assert place.exists()
