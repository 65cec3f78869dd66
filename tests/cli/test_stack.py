"""``headrace stack`` where nothing runs, and with arguments that make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from headrace.cli import stack
from headrace.settings import LocalStack, Settings
from headrace.stack import local


def _stack(*arguments: str) -> Result:
    app = typer.Typer()
    stack.register(app)
    return CliRunner().invoke(app, ["stack", *arguments])


@pytest.mark.parametrize("lines", ["0", "-3"])
def test_a_request_for_no_lines_of_a_log_is_refused(lines: str) -> None:
    refused = _stack("logs", "kafka", "-n", lines)

    assert refused.exit_code == 2
    assert refused.stdout == ""


def test_down_reports_no_step_when_nothing_runs(tmp_path: Path) -> None:
    steps: list[object] = []

    stopped = local.down(
        Settings(stack=LocalStack(folder=str(tmp_path))), lambda **facts: steps.append(facts)
    )

    assert (stopped, steps) == ([], [])
