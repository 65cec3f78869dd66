"""Fixtures of the whole suite: one stack a run, and no test that sees another one's settings by accident."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import hypothesis
import pytest

from tests.stack_containers import started_in_containers
from tests.stack_fixtures import CHOICE, Stack, started_locally

# A noisy machine is no fault of a property, and the suite leaves nothing behind.
hypothesis.settings.register_profile("suite", deadline=None, database=None)
hypothesis.settings.load_profile("suite")

ROOT = Path(__file__).parent.parent
BACK_ENDS: dict[str, Callable[[Path], AbstractContextManager[Stack]]] = {
    "local": started_locally,
    "containers": started_in_containers,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a person asks for, and CI never does."""
    parser.addoption("--screens", action="store_true", help="write tests/cli/screens anew, then compare")


@pytest.hookimpl(tryfirst=True)  # before -m deselects by the mark, and after the order is shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the stack, and begin with its files: the quick ones then fill the rest."""
    choice = os.environ.get(CHOICE, "local")
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker("stack")
            if choice != "local" and item.path.parent.name == "stack_local":
                item.add_marker(pytest.mark.skip(f"{CHOICE}={choice}: this asks the local stack's processes"))
    slow = {item.path for item in items if item.get_closest_marker("stack")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka, object store and Flink, started once; the process environment points to them while they run."""
    choice = os.environ.get(CHOICE, "local")
    if choice not in BACK_ENDS:
        raise pytest.UsageError(f"{CHOICE}={choice}: there are {', '.join(BACK_ENDS)}")
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # so that a killed run still ends what it started
    folder, before = tmp_path_factory.mktemp("stack"), dict(os.environ)
    os.environ["HEADRACE_PROJECT"] = str(ROOT)
    try:
        with BACK_ENDS[choice](folder) as started:
            yield started
    finally:
        os.environ.clear()
        os.environ.update(before)
    if not request.session.testsfailed:
        shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _own_settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test without the stack sees the settings of the repository; one with it leaves it whole."""
    if "stack" in request.fixturenames:
        yield
        request.getfixturevalue("stack").heal()
        return
    for name in [n for n in os.environ if n.startswith("HEADRACE")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HEADRACE_PROJECT", str(ROOT))
    yield
