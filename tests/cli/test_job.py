"""``run``, ``stop``, ``status`` and the like, as far as they answer without a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from headrace.cli import branch, job, plan, publish
from headrace.errors import JobError


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

    assert isinstance(raised, JobError)
    assert raised.what == "there is no job 'nojob'"
    assert raised.remedy == "the jobs here are: departures_hourly, flights"
