"""Locks and the versions of contracts: a version that was accepted means one thing ever after."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from headrace import project, settings
from headrace.cli import plan as command
from headrace.errors import DecisionNeeded
from headrace.job import lock
from headrace.job.assemble import load_program
from headrace.job.state.gate import CHANGED, DROPPED, KEPT, UNKNOWN, StateVerdict
from headrace.operate import Workspace
from tests.stack.submitting import look_in

ROOT = Path(__file__).parents[2]
JOB = ("jobs/flights.py", "jobs/flights.lock.json")


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The contract of a project's ingest job, which has its lock."""
    for name in ("contracts/flights.odcs.yaml", "deploy/env/local.yaml", *JOB):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", f"file://{tmp_path}/lake")
    look_in(str(tmp_path))
    yield tmp_path / "contracts/flights.odcs.yaml"
    look_in(str(ROOT))


def edit(contract: Path, old: str, new: str) -> None:
    text = contract.read_text()
    assert old in text
    contract.write_text(text.replace(old, new))


def test_an_edited_contract_with_its_former_version_is_not_accepted(contract: Path) -> None:
    edit(contract, "distance > 0\n", "distance >= 0\n")
    app = typer.Typer()
    command.register(app)
    before = project.lock_path("flights").read_text()
    raised = CliRunner().invoke(app, ["flights", "--accept"]).exception
    assert isinstance(raised, DecisionNeeded)
    assert "flights 1.0.0 meant something else when the lock was written" in raised.what
    assert raised.where == "contracts/flights.odcs.yaml"
    assert "give it a new version" in raised.remedy
    assert project.lock_path("flights").read_text() == before


@pytest.mark.parametrize(
    ("fates", "options"),
    [
        ({8: DROPPED, 5: CHANGED, 6: UNKNOWN, 3: KEPT}, " --losing 8 --changing 5 --changing 6"),
        ({3: KEPT}, ""),
    ],
)
def test_a_plan_that_asks_prints_the_whole_command_that_accepts_it(
    contract: Path, monkeypatch: pytest.MonkeyPatch, fates: dict[int, str], options: str
) -> None:
    edit(contract, "distance > 0\n", "distance >= 0\n")
    edit(contract, "version: 1.0.0", "version: 1.1.0")
    verdicts = [StateVerdict(i, fate, "group-aggregate", "", "", "", None, None) for i, fate in fates.items()]
    before = lock.read("flights")
    monkeypatch.setattr(lock, "carry_ids_over", lambda *_: (before, verdicts))
    app = typer.Typer()
    command.register(app)
    workspace = Workspace(settings.load(), compile_program=lambda *_: before)
    raised = CliRunner().invoke(app, ["flights"], obj=workspace).exception
    assert isinstance(raised, DecisionNeeded)
    assert raised.remedy == f"if that is what you want: `headrace plan flights --accept{options}`"


def test_with_a_new_version_it_is(contract: Path) -> None:
    edit(contract, "distance > 0\n", "distance >= 0\n")
    edit(contract, "version: 1.0.0", "version: 1.1.0")
    lock.refuse_same_version(load_program("flights"))


def test_a_former_version_is_taken_back_as_it_was_and_never_reused(contract: Path) -> None:
    right = contract.read_text()
    first = lock.read("flights")
    assert first
    edit(contract, "distance > 0\n", "distance >= 0\n")
    edit(contract, "version: 1.0.0", "version: 1.1.0")
    second = replace(first, contracts=lock.meanings(load_program("flights")))
    accepted, _ = lock.carry_ids_over(first, second)
    assert accepted.contracts["flights"].keys() == {"1.0.0", "1.1.0"}
    project.lock_path("flights").write_text(accepted.to_json())
    assert lock.read("flights") == accepted

    contract.write_text(right)
    lock.refuse_same_version(load_program("flights"))
    edit(contract, "distance > 0\n", "distance > 1\n")
    with pytest.raises(DecisionNeeded, match=r"flights 1\.0\.0 meant something else"):
        lock.refuse_same_version(load_program("flights"))


@pytest.mark.usefixtures("contract")
def test_a_lock_is_stale_where_a_contract_means_something_else() -> None:
    """Also where Flink would be told the same: what a derived table counts is in no statement."""
    program = load_program("flights")
    current = lock.require_current(program)
    other = replace(current, contracts={"flights": {"1.0.0": "what it meant before"}})
    project.lock_path("flights").write_text(other.to_json())
    with pytest.raises(DecisionNeeded, match="has changed since its lock was written"):
        lock.require_current(program)


@pytest.mark.usefixtures("contract")
def test_a_lock_of_an_older_headrace_knows_no_versions() -> None:
    program = load_program("flights")
    older = replace(lock.require_current(program), contracts={})
    project.lock_path("flights").write_text(older.to_json())
    assert lock.require_current(program) == older
    lock.refuse_same_version(program)
