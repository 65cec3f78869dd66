"""The same stack in containers: ``docker-compose.yml`` on free ports, asked over the same protocols.

Never run yet: no container engine was where it was written. Without one, the tests that want it are skipped.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headrace.settings import Settings
from headrace.stack import files, flink, kafka, local, store
from tests.stack.waiting import until
from tests.stack_fixtures import CHOICE, own_place

ROOT = Path(__file__).parent.parent
SERVICES = ("kafka", "store", "jobmanager", "taskmanager")
_ANSWERS_WITHIN_S = 30


class ContainerStack:
    """The services of one Compose project; a container is named ``<project>-<service>-<number>``."""

    def __init__(self, settings: Settings, project: str) -> None:
        self.settings = settings
        self.environment = flink.environment(settings)
        self.folder = files.folder(settings.stack).path
        self._project = project

    def kill_taskmanager(self, number: int = 1) -> None:
        _docker("kill", self._named("taskmanager", number))

    def pause_taskmanager(self, number: int = 1) -> None:
        _docker("kill", "--signal=STOP", self._named("taskmanager", number))

    def resume_taskmanager(self, number: int = 1) -> None:
        _docker("kill", "--signal=CONT", self._named("taskmanager", number))

    def start_taskmanager(self, number: int = 1) -> None:
        name, before = self._named("taskmanager", number), set(flink.taskmanagers(self.settings))
        if name in self._containers():
            return
        if name in self._containers("--all"):
            _docker("start", name)
        else:
            more = ("--no-recreate", "--no-deps", f"--scale=taskmanager={number}", "taskmanager")
            _docker("compose", "up", "--detach", *more)
        # A restarted TaskManager has a new id: the list may still hold the one that was killed.
        until(f"{name} to register", lambda: set(flink.taskmanagers(self.settings)) - before)

    def stop_taskmanager(self, number: int = 1) -> None:
        before = len(flink.taskmanagers(self.settings))
        _docker("stop", self._named("taskmanager", number))
        until("the cluster to miss it", lambda: len(flink.taskmanagers(self.settings)) < before)

    def kill_jobmanager(self) -> None:
        _docker("kill", self._named("jobmanager"))

    def start_jobmanager(self) -> None:
        _docker("start", self._named("jobmanager"))
        self.wait()

    def heal(self) -> None:
        running = self._containers()
        if self._named("taskmanager") in running:
            self.resume_taskmanager()
        dead = {self._named(service) for service in SERVICES} - running
        if dead:
            _docker("start", *sorted(dead))
            self.wait()

    def wait(self) -> None:
        """Until everything serves and each TaskManager that runs is counted on."""
        until("Kafka in its container", lambda: kafka.answers(self.settings.kafka.bootstrap))
        until("the store in its container", lambda: store.answers(self.settings))
        workers = sum(name.startswith(f"{self._project}-taskmanager-") for name in self._containers())
        until(f"{workers} TaskManagers", lambda: len(flink.taskmanagers(self.settings)) >= workers)

    def _named(self, service: str, number: int = 1) -> str:
        return f"{self._project}-{service}-{number}"

    def _containers(self, *options: str) -> set[str]:
        label = f"label=com.docker.compose.project={self._project}"
        return set(_docker("ps", *options, "--filter", label, "--format", "{{.Names}}").split())


@contextmanager
def started_in_containers(folder: Path) -> Iterator[ContainerStack]:
    """The stack of ``docker-compose.yml`` on ports that are free now; its volumes end with the block."""
    if why := no_engine():
        pytest.skip(f"{CHOICE}=containers: {why}")
    from testcontainers.compose import DockerCompose  # noqa: PLC0415 - only who chose it needs it

    settings = own_place(folder)
    project = f"headrace-{secrets.token_hex(4)}"
    os.environ |= {
        "COMPOSE_PROJECT_NAME": project,
        "HEADRACE_UID": str(os.getuid()),
        "HEADRACE__STACK__JARS_CACHE": str(Path(settings.stack.jars_cache).expanduser()),
    }
    local.prepare(settings, files.folder(settings.stack))
    with DockerCompose(ROOT, "docker-compose.yml", build=True, wait=False):
        stack = ContainerStack(settings, project)
        stack.wait()
        yield stack


def no_engine() -> str:
    """Why no containers can be started here, in the engine's own words; empty if they can."""
    for question in (["version", "--format={{.Server.Version}}"], ["compose", "version"]):
        try:
            done = subprocess.run(
                ["docker", *question],
                check=False,
                capture_output=True,
                text=True,
                timeout=_ANSWERS_WITHIN_S,
            )
        except (OSError, subprocess.TimeoutExpired) as e:
            return f"no container engine answers: {e}"
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["it says nothing"]
            return f"no container engine answers: {said[0]}"
    return ""


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr.strip()}"
    return done.stdout
