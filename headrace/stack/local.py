"""The whole stack as one: ``up`` starts what is missing, ``down`` ends what ``up`` started, data stay."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from headrace.settings import Settings
from headrace.stack import files, flink, jars, kafka, ports, store
from headrace.stack.files import Folder
from headrace.stack.processes import Processes, Service
from headrace.stack.progress import Progress, silent

READY_WITHIN_S = 180
"""Twenty seconds on a quiet machine."""


def up(settings: Settings, tell: Progress = silent) -> list[str]:
    """Start whatever is not running and wait until all of it serves; gives the names of what was started.

    Flink is started anew where it runs an older JVM module than the sources: its jobs have to be run again.

    Raises:
        StackError: a port is taken, a jar cannot be had, no JDK, or a process died (with its last lines).
    """
    at = files.folder(settings.stack)
    with _alone(at):
        services = prepare(settings, at, tell)
        processes = Processes(at.path)
        processes.stop(s.name for s in services if processes.outdated(s))
        return start(settings, services, tell)


def prepare(settings: Settings, at: Folder, tell: Progress = silent) -> list[Service]:
    """Everything that must exist before a process starts; gives the processes that make up the stack."""
    files.make_secrets(at)
    found = jars.fetch(settings.stack, ("flink", "flink-s3", "kafka"), tell)
    tell(what="JVM module and Flink home")
    flink.assemble(settings, at, found)
    return [
        store.service(settings, at),
        flink.jobmanager(settings, at),
        *(flink.taskmanager(settings, at, n) for n in range(1, settings.stack.taskmanagers + 1)),
        kafka.service(settings, at, found["kafka"]),  # last: it formats its folder while the others start
    ]


def start(settings: Settings, services: list[Service], tell: Progress = silent) -> list[str]:
    """Start those of them that do not run, side by side, and wait for each."""
    processes = Processes(files.folder(settings.stack).path)
    missing = [s for s in services if processes.pid(s.name) is None]
    ports.require_free(settings.stack.ports, [name for s in missing for name in s.ports])
    for service in missing:
        service.prepare()
        processes.start(service)
    deadline = time.monotonic() + READY_WITHIN_S
    tell(total=len(services), completed=0, what="waiting for " + ", ".join(s.name for s in services))
    with ThreadPoolExecutor(len(services)) as pool:
        waits = [pool.submit(processes.wait_ready, s, deadline) for s in services]
        for done, wait in enumerate(waits, 1):
            wait.result()
            tell(completed=done)
    return [s.name for s in missing]


def down(settings: Settings, tell: Progress = silent) -> list[str]:
    """End every process that was started from this folder and still runs; gives their names."""
    at = files.folder(settings.stack)
    with _alone(at):
        processes = Processes(at.path)
        names = processes.names()
        flinks = [n for n in names if n not in ("kafka", "store")]
        if running := [n for n in names if processes.pid(n)]:
            tell(what="stopping " + ", ".join(running))
        return sorted(processes.stop(flinks) + processes.stop(set(names) - set(flinks)))


def status(settings: Settings) -> list[dict[str, object]]:
    """Each process: its name, pid, ports, and whether it serves."""
    at = files.folder(settings.stack)
    processes, known = Processes(at.path), settings.stack.ports.model_dump()
    serves = {
        "store": lambda: at.access_key.exists() and store.answers(settings),
        "kafka": lambda: kafka.answers(settings.kafka.bootstrap),
        "jobmanager": lambda: flink.overview(settings) is not None,
    }
    main_port = {"store": "s3", "kafka": "kafka", "jobmanager": "flink_rest"}
    workers = {f"taskmanager-{n}" for n in range(1, settings.stack.taskmanagers + 1)} | {
        n for n in processes.names() if n.startswith("taskmanager-")
    }
    registered = flink.taskmanagers(settings) if processes.pid("jobmanager") else []
    return [
        {
            "process": name,
            "pid": (pid := processes.pid(name)),
            "serves": pid is not None
            and (processes.ident(name) in registered if name in workers else serves[name]()),
            "port": known.get(main_port.get(name, "")),
            "log": str(processes.log(name)),
        }
        for name in ("kafka", "store", "jobmanager", *sorted(workers))
    ]


@contextlib.contextmanager
def _alone(at: Folder) -> Iterator[None]:
    """Two ``up`` at once would start everything twice."""
    at.path.mkdir(parents=True, exist_ok=True)
    with (at.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
