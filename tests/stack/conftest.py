"""A pipeline of its own for each test: same stack, other topics, other warehouse."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from client import FlinkClient, started
from road import Road
from stack_fixtures import Stack

PROJECT = Path(__file__).parent / "project"
ROOT = PROJECT.parents[2]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests' own project, with its locks."""
    folder = tmp_path_factory.mktemp("project") / "events"
    shutil.copytree(PROJECT, folder)
    for machinery in ("jars", "jvm"):
        (folder / machinery).symlink_to(ROOT / machinery)
    return folder


@pytest.fixture(scope="session")
def client(stack: Stack, project: Path) -> Iterator[FlinkClient]:
    """The Flink client of the run."""
    env = {**os.environ, **stack.environment, "HEADRACE_PROJECT": str(project)}
    with started({**env, "PYTHONPATH": os.pathsep.join([str(project), env.get("PYTHONPATH", "")])}) as it:
        yield it


@pytest.fixture
def make_road(
    stack: Stack,
    project: Path,
    client: FlinkClient,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Road]]:
    """Make the test's road; jobs that still run at its end are cancelled."""
    for key in ("HEADRACE_PROJECT", "HEADRACE__STORE__WAREHOUSE", "HEADRACE__KAFKA__TOPIC_PREFIX"):
        monkeypatch.setenv(key, os.environ.get(key, ""))  # so that they are put back
    for key in ("HEADRACE__FLINK__PARALLELISM", "HEADRACE__FLINK__OPTIONS"):
        monkeypatch.delenv(key, raising=False)
        monkeypatch.setenv(key, "{}" if key.endswith("OPTIONS") else "2")
    made: list[Road] = []

    def make(**options: Any) -> Road:
        name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60]
        road = Road(stack, f"{name}-{len(made)}", client=client, **{"project": project, **options})
        made.append(road)
        return road

    yield make
    for road in made:
        stack.heal()
        for job in road.rest("/jobs")["jobs"]:
            if job["status"] not in ("FINISHED", "CANCELED", "FAILED"):
                road.cancel(job["id"])


@pytest.fixture
def road(make_road: Callable[..., Road]) -> Road:
    """A road at parallelism 2 whose checkpoints come by themselves, every 500 ms."""
    return make_road()
