"""The whole stack: ``up`` starts what is missing, ``down`` stops what ``up`` started; data is kept."""

from __future__ import annotations

import contextlib
import fcntl
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headrace.errors import Interrupted
from headrace.progress import Progress, silent
from headrace.settings import Settings
from headrace.stack import files, flink, jars, kafka, ports, store
from headrace.stack.files import Folder
from headrace.stack.processes import Processes, Service

READY_WITHIN_S = 180
"""Twenty seconds on a quiet machine."""
STOPPED_WITHIN_S = 2
"""How long a process may take to stop by itself after Ctrl-C: it has hardly started."""


@dataclass(frozen=True)
class ProcessStatus:
    """A process of the stack."""

    process: str
    pid: int | None
    """None if it does not run."""
    serves: bool
    port: int | None
    """The port on which it serves; None for a TaskManager."""
    log: Path

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {**asdict(self), "log": str(self.log)}


def up(settings: Settings, progress: Progress = silent) -> list[str]:
    """Start every process that is not running, wait until all serve, and return the names of those started.

    Flink is restarted if its JVM module is older than the sources: its jobs have to be started again.

    Raises:
        StackError: a port is taken, a jar cannot be fetched, no JDK, or a process died (with its last lines).
        Interrupted: Ctrl-C was pressed; the processes started by then are stopped.
    """
    at = files.folder(settings.stack)
    with _locked(at):
        processes = Processes(at.path)
        before = _running(processes)
        try:
            services = prepare(settings, at, progress)
            processes.stop(s.name for s in services if processes.outdated(s))
            return start(settings, services, progress)
        except KeyboardInterrupt:
            raise _stop_started(processes, _running(processes).items() - before.items()) from None


def prepare(settings: Settings, at: Folder, progress: Progress = silent) -> list[Service]:
    """Create everything that must exist before a process starts, and return the processes of the stack."""
    files.make_secrets(at)
    fetched = jars.fetch(settings.stack, ("flink", "flink-s3", "kafka"), progress)
    progress(what="JVM module and Flink home")
    flink.assemble(settings, at, fetched)
    return [
        store.service(settings, at),
        flink.jobmanager(settings, at),
        *(flink.taskmanager(settings, at, n) for n in range(1, settings.stack.taskmanagers + 1)),
        kafka.service(settings, at, fetched["kafka"]),  # last: it formats its folder while the others start
    ]


def start(settings: Settings, services: list[Service], progress: Progress = silent) -> list[str]:
    """Start in parallel those that do not run, and wait for each."""
    processes = Processes(files.folder(settings.stack).path)
    missing = [s for s in services if processes.pid(s.name) is None]
    ports.require_free(settings.stack.ports, [name for s in missing for name in s.ports])
    for service in missing:
        service.prepare()
        processes.start(service)
    deadline = time.monotonic() + READY_WITHIN_S
    progress(total=len(services), completed=0, what="waiting for " + ", ".join(s.name for s in services))
    for done, error in enumerate(_await_ready(processes, services, deadline), 1):
        if error is not None:
            raise error
        progress(completed=done)
    return [s.name for s in missing]


def _await_ready(
    processes: Processes, services: list[Service], deadline: float
) -> Iterator[Exception | None]:
    """Wait for the services in parallel; yield None for each that serves, in that order, or its error.

    The threads are daemons: an interrupted command must not wait for the answer of a process that is
    starting.
    """
    ends: queue.Queue[Exception | None] = queue.Queue()

    def wait(service: Service) -> None:
        try:
            processes.wait_ready(service, deadline)
        except Exception as e:  # noqa: BLE001 - raised again by the thread's caller
            ends.put(e)
        else:
            ends.put(None)

    for service in services:
        threading.Thread(target=wait, args=(service,), daemon=True).start()
    for _ in services:
        yield ends.get()


def _running(processes: Processes) -> dict[str, int]:
    """Name and pid of each running process."""
    return {name: pid for name in processes.names() if (pid := processes.pid(name)) is not None}


def _stop_started(processes: Processes, started: Iterable[tuple[str, int]]) -> Interrupted:
    """Stop what an interrupted `up` has started, even if Ctrl-C is pressed again, and return the error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    names = processes.stop([name for name, _ in started], STOPPED_WITHIN_S)
    return Interrupted(
        f"interrupted; stopped again: {', '.join(names) or 'nothing, no process had been started'}",
        remedy="headrace stack up",
    )


def down(settings: Settings, progress: Progress = silent) -> list[str]:
    """Stop every process that was started from this folder and still runs, and return their names."""
    at = files.folder(settings.stack)
    with _locked(at):
        processes = Processes(at.path)
        names = processes.names()
        flinks = [n for n in names if n not in ("kafka", "store")]
        if running := [n for n in names if processes.pid(n)]:
            progress(what="stopping " + ", ".join(running))
        return sorted(processes.stop(flinks) + processes.stop(set(names) - set(flinks)))


def status(settings: Settings) -> list[ProcessStatus]:
    """Each process of the stack, running or not."""
    at = files.folder(settings.stack)
    processes, ports_of = Processes(at.path), settings.stack.ports
    workers = {f"taskmanager-{n}" for n in range(1, settings.stack.taskmanagers + 1)} | {
        n for n in processes.names() if n.startswith("taskmanager-")
    }
    registered = flink.taskmanagers(settings) if processes.pid("jobmanager") else []

    def process(name: str, port: int | None, serves: Callable[[], bool]) -> ProcessStatus:
        pid = processes.pid(name)
        return ProcessStatus(name, pid, pid is not None and serves(), port, processes.log(name))

    def worker(name: str) -> ProcessStatus:
        return process(name, None, lambda: processes.ident(name) in registered)

    return [
        process("kafka", ports_of.kafka, lambda: kafka.answers(settings.kafka.bootstrap)),
        process("store", ports_of.s3, lambda: at.access_key.exists() and store.answers(settings)),
        process("jobmanager", ports_of.flink_rest, lambda: flink.overview(settings) is not None),
        *map(worker, sorted(workers)),
    ]


@contextlib.contextmanager
def _locked(at: Folder) -> Iterator[None]:
    """Hold the folder's lock: two concurrent ``up`` would start everything twice."""
    at.path.mkdir(parents=True, exist_ok=True)
    with (at.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
