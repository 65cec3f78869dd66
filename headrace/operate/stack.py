"""The local stack: Kafka, an object store and Flink as processes of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace.errors import UsageError
from headrace.progress import Progress, silent
from headrace.settings import Settings
from headrace.stack import files, flink, jars, local
from headrace.stack.local import ProcessStatus
from headrace.stack.processes import Processes


@dataclass(frozen=True)
class StartedStack:
    """The processes of the stack, all of which serve."""

    started: tuple[str, ...]
    """Those that did not run before."""
    processes: tuple[ProcessStatus, ...]

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {"started": list(self.started), "processes": [p.to_json() for p in self.processes]}


@dataclass(frozen=True)
class StoppedStack:
    """The processes that were stopped."""

    stopped: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {"stopped": list(self.stopped)}


@dataclass(frozen=True)
class ProcessLog:
    """The last lines of a process's log."""

    process: str
    lines: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {"process": self.process, "lines": list(self.lines)}


@dataclass(frozen=True)
class StackEnvironment:
    """Environment variables for `flink` and other tools: with paths of secrets, not the secrets."""

    variables: Mapping[str, str]

    def to_json(self) -> dict[str, str]:
        """For ``-o json``."""
        return dict(self.variables)


@dataclass(frozen=True)
class LockedJars:
    """The jars of each use that were locked."""

    counts: Mapping[str, int]

    def to_json(self) -> dict[str, int]:
        """For ``-o json``."""
        return dict(self.counts)


def start_stack(settings: Settings, *, progress: Progress = silent) -> StartedStack:
    """Start what is not running, and wait until it serves. Data of an earlier run is kept.

    Raises:
        StackError: a port is taken, a jar cannot be fetched, there is no JDK, or a process died.
        Interrupted: Ctrl-C was pressed; what was started by then is stopped.
    """
    started = local.up(settings, progress)
    return StartedStack(tuple(started), tuple(local.status(settings)))


def stop_stack(settings: Settings, *, progress: Progress = silent) -> StoppedStack:
    """Stop what :func:`start_stack` started, and nothing else. Data is kept."""
    return StoppedStack(tuple(local.down(settings, progress)))


def read_stack(settings: Settings) -> list[ProcessStatus]:
    """Each process of the stack, running or not."""
    return local.status(settings)


def read_log(settings: Settings, process: str, lines: int) -> ProcessLog:
    """The last lines of a process's log, at most 64 KiB of it.

    Raises:
        UsageError: there is no such log.
    """
    processes = Processes(files.folder(settings.stack).path)
    log = processes.log(process)
    if not log.is_file():
        known = ", ".join(sorted(p.stem for p in log.parent.glob("*.log"))) or "none yet"
        raise UsageError(
            f"there is no log of {process!r}",
            where=str(log),
            remedy=f"the processes with a log are: {known}",
        )
    return ProcessLog(process, tuple(processes.tail(process, lines)))


def stack_environment(settings: Settings) -> StackEnvironment:
    """The environment in which `flink` and other tools work with the stack."""
    return StackEnvironment(flink.environment(settings))


def lock_jars(settings: Settings, *, progress: Progress = silent) -> LockedJars:
    """Resolve jars/*.yaml again and write jars/*.lock, with the SHA-256 of every transitive jar.

    Raises:
        StackError: a jar cannot be resolved.
    """
    return LockedJars(jars.lock(settings.stack, progress))
