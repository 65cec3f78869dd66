"""One real stack for a test run, behind a protocol: tests say what should happen to it, not how it is run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from headrace import settings as project_settings
from headrace.settings import Settings
from headrace.stack import files, flink, local, ports
from headrace.stack.processes import Processes
from tests.stack.waiting import until

CHOICE = "HEADRACE_TEST_STACK"


class Stack(Protocol):
    """What a test may do to the stack.

    Every ``start_…`` returns when the cluster counts on the process, every ``stop_…`` when it no longer does.
    """

    settings: Settings
    environment: dict[str, str]
    """For subprocesses: ``{**os.environ, **environment}`` lets ``flink`` and ``headrace`` meet this stack."""
    folder: Path

    def kill_taskmanager(self, number: int = 1) -> None: ...
    def pause_taskmanager(self, number: int = 1) -> None: ...
    def resume_taskmanager(self, number: int = 1) -> None: ...
    def start_taskmanager(self, number: int = 1) -> None: ...
    def stop_taskmanager(self, number: int = 1) -> None: ...
    def kill_jobmanager(self) -> None: ...
    def start_jobmanager(self) -> None: ...
    def heal(self) -> None:
        """Start again what a test left dead."""


class LocalStack:
    """The stack of ``headrace stack up``, as processes of this machine."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.environment = flink.environment(settings)
        self._at = files.folder(settings.stack)
        self.folder = self._at.path
        self._processes = Processes(self.folder)

    def kill_taskmanager(self, number: int = 1) -> None:
        self._processes.kill(_worker(number))

    def pause_taskmanager(self, number: int = 1) -> None:
        self._processes.kill(_worker(number), signal.SIGSTOP)

    def resume_taskmanager(self, number: int = 1) -> None:
        self._processes.kill(_worker(number), signal.SIGCONT)

    def start_taskmanager(self, number: int = 1) -> None:
        local.start(self.settings, [flink.taskmanager(self.settings, self._at, number)])

    def stop_taskmanager(self, number: int = 1) -> None:
        ident = self._processes.ident(_worker(number))
        self._processes.stop([_worker(number)])
        until("the cluster to miss it", lambda: ident not in flink.taskmanagers(self.settings))

    def kill_jobmanager(self) -> None:
        self._processes.kill("jobmanager")

    def start_jobmanager(self) -> None:
        workers = [
            n for n in self._processes.names() if n.startswith("taskmanager-") and self._processes.pid(n)
        ]
        numbers = [int(name.rpartition("-")[2]) for name in workers]
        local.start(
            self.settings,
            [
                flink.jobmanager(self.settings, self._at),
                *(flink.taskmanager(self.settings, self._at, n) for n in numbers),
            ],
        )

    def heal(self) -> None:
        expected = ["kafka", "store", "jobmanager", _worker(1)]
        self.resume_taskmanager()
        if not all(self._processes.pid(name) for name in expected):
            local.up(self.settings)


@contextmanager
def started_locally(folder: Path) -> Iterator[LocalStack]:
    """A local stack on ports that are free now; ends with the block, whatever happened in it."""
    settings = own_place(folder)
    try:
        local.up(settings)
        yield LocalStack(settings)
    finally:
        local.down(settings)


def own_place(folder: Path) -> Settings:
    """Settings of a stack in that folder, on ports that are free now; the environment says the same."""
    os.environ["HEADRACE__STACK__FOLDER"] = str(folder)
    os.environ["HEADRACE__STACK__SHORT_LIVED"] = "true"
    for name, port in ports.choose().model_dump().items():
        os.environ[f"HEADRACE__STACK__PORTS__{name.upper()}"] = str(port)
    return project_settings.load("local")


def _worker(number: int) -> str:
    return f"taskmanager-{number}"
