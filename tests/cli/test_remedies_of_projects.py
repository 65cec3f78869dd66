"""Where files of the project are broken or were edited, the commands that are named help."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.job import lock
from headrace.job.program import Program
from headrace.ledger import patches
from headrace.operate import Workspace
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, begun
from tests.stack.submitting import look_in


def edit(project: Path, name: str, old: str, new: str) -> str:
    """Write other text into a file of the project; gives what stood there."""
    before = (project / name).read_text()
    assert old in before
    (project / name).write_text(before.replace(old, new, 1))
    look_in(str(project))
    return before


def put_back(project: Path, name: str, text: str) -> None:
    (project / name).write_text(text)
    look_in(str(project))


def test_of_several_faults_of_a_contract_the_first_is_told_and_check_tells_all(
    project: Path, terminal: Terminal
) -> None:
    contract = "contracts/events.odcs.yaml"
    edit(project, contract, "logicalType: integer", "logicalType: whole")
    edit(project, contract, "value: PT1M", "value: soon")
    said = terminal.refused("branch ls events")
    assert said.count("whole") == 1
    assert "soon" not in said

    answer = terminal.follow(said, "contract/load.py: check", exits=1)

    assert "whole" in answer
    assert "soon" in answer


def test_a_patch_of_an_edited_job_is_aborted(sealed: Lake, terminal: Terminal) -> None:
    begun(sealed)
    sealed.ask(patches.REDRIVE, program="that of another contract")
    said = terminal.refused("patch apply events 1")
    assert "the job was edited since redrive 1 was requested" in said

    terminal.follow(said, "job/ready.py: patch abort □ □ --why TEXT")

    assert "redrive 1 is aborted" in terminal.refused("patch apply events 1")


@pytest.fixture
def wider(sealed: Lake, workspace: Workspace, project: Path) -> str:
    """Ten rows are staged, and the contract has another type since; gives the former one."""
    sealed.submit()
    sealed.seal(1, range(10))

    def from_the_lock(program: Program, _progress: object) -> lock.Lock:
        kept = lock.read(program.job.name)
        assert kept is not None
        return lock.of(program, kept.plan)

    workspace.compile = from_the_lock
    edit(project, "contracts/events.odcs.yaml", "version: 1.0.0", "version: 2.0.0")
    return edit(project, "contracts/events.odcs.yaml", "DECIMAL(6,2)", "DECIMAL(8,2)")


@pytest.mark.usefixtures("wider")
def test_rows_that_cannot_follow_an_edit_are_left(terminal: Terminal) -> None:
    said = terminal.refused("plan events --accept")
    assert "rows that claim 1 has staged are not published yet, and cannot follow" in said

    terminal.follow(said, "publish/fit.py: branch set-aside □ □ --why TEXT")

    assert terminal.type("plan events --accept")[0] == 0


def test_or_they_are_published_under_the_contract_as_it_was(
    sealed: Lake, wider: str, project: Path, terminal: Terminal
) -> None:
    said = terminal.refused("plan events --accept")

    put_back(project, "contracts/events.odcs.yaml", wider)
    terminal.follow(said, "publish/fit.py: publish □")

    assert len(sealed.rows()) == 10


def test_a_topic_that_is_recreated_in_the_middle_of_publish(sealed: Lake, terminal: Terminal) -> None:
    begun(sealed)
    sealed.seal(1, range(35, 40))
    sealed.kafka.compact("events", range(30, 35))
    sealed.kafka.then = lambda question: question == "holes" and sealed.kafka.recreate("events")
    said = terminal.refused("publish events")
    assert "names what is not published" in said

    answer = terminal.follow(said, "publish/batch_checks.py: publish □", exits=3)

    assert "0:35-39" in answer
    assert "headrace branch set-aside events 1" in answer
