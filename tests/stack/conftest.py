"""A separate pipeline for each test: same stack, other topics, other warehouse."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from headrace.stack import flink
from tests.stack.client import FlinkClient, started
from tests.stack.edited import JOB, Edited, write
from tests.stack.road import Road
from tests.stack.waiting import until
from tests.stack_fixtures import Stack

PROJECT = Path(__file__).parent / "project"


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests' own project, with its locks."""
    folder = tmp_path_factory.mktemp("project") / "events"
    shutil.copytree(PROJECT, folder)
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
        fixtures = request.fixturenames
        own = {
            "project": project,
            "submit_by": client if "by_client" in fixtures else None,
            "compile_by": client.compiled if "compiled_by_client" in fixtures else None,
            **options,
        }
        road = Road(stack, f"{name}-{len(made)}", client=client, **own)
        made.append(road)
        return road

    yield make
    for road in made:
        stack.heal()
        for job in road.rest("/jobs")["jobs"]:
            if job["status"] not in ("FINISHED", "CANCELED", "FAILED"):
                road.cancel(job["id"])
    until("all slots to be free", lambda: _all_free(stack))


def _all_free(stack: Stack) -> bool:
    """Whether the next test finds a cluster without traces: a job is CANCELED before its slots are free."""
    now = flink.overview(stack.settings) or {}
    return now.get("slots-available") == now.get("slots-total") == stack.settings.stack.slots


@pytest.fixture
def road(make_road: Callable[..., Road]) -> Road:
    """A road at parallelism 2 whose checkpoints come by themselves, every 500 ms."""
    return make_road()


@pytest.fixture
def compiled_by_client() -> None:
    """`plan` compiles by the run's client: a fresh process costs ten CPU-seconds.

    Its ids are the same each time; here they never are.
    """


@pytest.fixture
def edited(
    make_road: Callable[..., Road],
    project: Path,
    tmp_path: Path,
    compiled_by_client: None,  # noqa: ARG001 - it is set
) -> Callable[..., Edited]:
    """Make a job in its own project."""
    own = tmp_path / "project"
    shutil.copytree(project, own, symlinks=True)

    def make(queries: Mapping[str, str], late: str = "amend") -> Edited:
        write(own, queries, late)
        return Edited(make_road(project=own, job=JOB, parallelism=1), late)

    return make


@pytest.fixture
def by_client(
    compiled_by_client: None,
) -> None:
    """`headrace run`, `replay run` and patches submit by the run's client, as `flink run` would."""
