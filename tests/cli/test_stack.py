"""``headrace stack`` where nothing runs, and where it is asked for what makes no sense."""

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
def test_no_lines_of_a_log_are_not_asked_for(lines: str) -> None:
    refused = _stack("logs", "kafka", "-n", lines)

    assert refused.exit_code == 2
    assert refused.stdout == ""


def test_nothing_is_said_to_stop_where_nothing_runs(tmp_path: Path) -> None:
    told: list[object] = []

    stopped = local.down(Settings(stack=LocalStack(folder=str(tmp_path))), lambda **said: told.append(said))

    assert (stopped, told) == ([], [])
