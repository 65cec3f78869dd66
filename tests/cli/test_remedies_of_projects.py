"""Where files of the project are broken or were edited, the commands that are named help."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.job import lock
from headrace.job.program import Program
from headrace.ledger import patches
from headrace.operate import Workspace
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, publish_two_batches
from tests.stack.submitting import look_in


def edit(project: Path, name: str, old: str, new: str) -> str:
    """Edit a file of the project; returns its former text."""
    before = (project / name).read_text()
    assert old in before
    (project / name).write_text(before.replace(old, new, 1))
    look_in(str(project))
    return before


def restore(project: Path, name: str, text: str) -> None:
    (project / name).write_text(text)
    look_in(str(project))


def test_a_command_reports_the_first_fault_of_a_contract_and_check_reports_all(
    project: Path, terminal: Terminal
) -> None:
    contract = "contracts/events.odcs.yaml"
    edit(project, contract, "logicalType: integer", "logicalType: whole")
    edit(project, contract, "value: PT1M", "value: soon")
    output = terminal.refused("branch ls events")
    assert output.count("whole") == 1
    assert "soon" not in output

    answer = terminal.follow(output, "contract/load.py: check", exits=1)

    assert "whole" in answer
    assert "soon" in answer


def test_a_patch_of_an_edited_job_is_aborted(sealed: Lake, terminal: Terminal) -> None:
    publish_two_batches(sealed)
    sealed.ask(patches.REDRIVE, program="that of another contract")
    output = terminal.refused("patch apply events 1")
    assert "the job was edited since redrive 1 was requested" in output

    terminal.follow(output, "job/ready.py: patch abort □ □ --why TEXT")

    assert "redrive 1 is aborted" in terminal.refused("patch apply events 1")


@pytest.fixture
def wider(sealed: Lake, workspace: Workspace, project: Path) -> str:
    """Ten rows are staged, and the contract has another type since; returns the former contract."""
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
def test_rows_that_cannot_follow_an_edit_are_set_aside(terminal: Terminal) -> None:
    output = terminal.refused("plan events --accept")
    assert "rows that claim 1 has staged are not published yet, and cannot follow" in output

    terminal.follow(output, "publish/fit.py: branch set-aside □ □ --why TEXT")

    assert terminal.type("plan events --accept")[0] == 0


def test_rows_that_cannot_follow_an_edit_are_published_under_the_former_contract(
    sealed: Lake, wider: str, project: Path, terminal: Terminal
) -> None:
    output = terminal.refused("plan events --accept")

    restore(project, "contracts/events.odcs.yaml", wider)
    terminal.follow(output, "publish/fit.py: publish □")

    assert len(sealed.rows()) == 10


def test_a_topic_recreated_during_publish_stops_it_with_a_remedy(sealed: Lake, terminal: Terminal) -> None:
    publish_two_batches(sealed)
    sealed.seal(1, range(35, 40))
    sealed.kafka.compact("events", range(30, 35))
    sealed.kafka.then = lambda question: question == "holes" and sealed.kafka.recreate("events")
    output = terminal.refused("publish events")
    assert "names what is not published" in output

    answer = terminal.follow(output, "publish/batch_checks.py: publish □", exits=3)

    assert "0:35-39" in answer
    assert "headrace branch set-aside events 1" in answer
