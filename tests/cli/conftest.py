"""A project with its lake, as commands find them; nothing listens, and the lake is on a local disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.remedies import Terminal
from lake.sealed_lake import Lake
from submitting import look_in

from headrace import settings
from headrace.cluster.fake import FakeCluster
from headrace.contract.load import load_named
from headrace.lake.store import connect
from headrace.operate import Workspace
from headrace.settings import Store

PROJECT = Path(__file__).parents[1] / "stack/project"


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Let commands find a project, and a lake beside it."""

    def enter(project: Path) -> None:
        monkeypatch.setenv("HEADRACE_PROJECT", str(project))
        monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", f"file://{tmp_path}/lake")
        monkeypatch.setenv("HEADRACE__KAFKA__BOOTSTRAP", "127.0.0.1:1")
        for secret in ("ACCESS_KEY", "SECRET_KEY"):
            monkeypatch.setenv(f"HEADRACE__STORE__{secret}", "env:HOME")
        look_in(str(project))

    return enter


@pytest.fixture
def project(tmp_path: Path, opened: Callable[[Path], None]) -> Path:
    """A copy of the tests' project, which a test may change."""
    copy = tmp_path / "project"
    shutil.copytree(PROJECT, copy)
    opened(copy)
    return copy


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def terminal(project: Path, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> Terminal:  # noqa: ARG001 - entered
    """For commands in that project; Flink is one in memory."""
    return Terminal(capsys, Workspace(settings.load(), cluster=cluster))


@pytest.fixture
def sealed(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:  # noqa: ARG001 - entered
    """The lake of that project's job `events`; Kafka answers as a test has it."""
    made = Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load_named("events"))
    monkeypatch.setattr("headrace.cli.publish.Source", lambda *_: made.topic)
    return made
