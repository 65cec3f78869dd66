"""A project with its lake on a local disk, for commands; no server is running."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace import settings
from headrace.cluster.fake import FakeCluster
from headrace.cluster.kafka.fake import FakeKafka
from headrace.contract.load import load_contract
from headrace.operate import Workspace
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, topics
from tests.stack.submitting import look_in

PROJECT = Path(__file__).parents[1] / "stack/project"


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Point commands at a project, and at a lake beside it."""

    def enter(project: Path) -> None:
        monkeypatch.setenv("HEADRACE_PROJECT", str(project))
        monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", f"file://{tmp_path}/lake")
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
def kafka() -> FakeKafka:
    """The topic of the job `events`, of one partition, which holds a record at each offset."""
    return topics(partitions=1)


@pytest.fixture
def workspace(project: Path, cluster: FakeCluster, kafka: FakeKafka) -> Workspace:  # noqa: ARG001 - entered
    """The workspace of commands in that project: Flink and Kafka are in memory."""
    return Workspace(settings.load(), cluster=cluster, kafka=kafka)


@pytest.fixture
def terminal(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The command line in that project."""
    return Terminal(capsys, workspace)


@pytest.fixture
def sealed(workspace: Workspace, kafka: FakeKafka) -> Lake:
    """The lake of that project's job `events`."""
    return Lake(workspace.warehouse, load_contract("events"), kafka=kafka)
