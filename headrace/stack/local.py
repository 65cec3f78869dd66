"""The whole stack as one: ``up`` starts what is missing, ``down`` ends what ``up`` started, data stay."""

from __future__ import annotations

import contextlib
import fcntl
import queue
import signal
import threading
import time
from collections.abc import Iterable, Iterator

from headrace.errors import Interrupted
from headrace.progress import Progress, silent
from headrace.settings import Settings
from headrace.stack import files, flink, jars, kafka, ports, store
from headrace.stack.files import Folder
from headrace.stack.processes import Processes, Service

READY_WITHIN_S = 180
"""Twenty seconds on a quiet machine."""
STOPPED_WITHIN_S = 2
"""After Ctrl-C, a process may take so long to end by itself: it has hardly begun."""


def up(settings: Settings, tell: Progress = silent) -> list[str]:
    """Start whatever is not running and wait until all of it serves; gives the names of what was started.

    Flink is started anew where it runs an older JVM module than the sources: its jobs have to be run again.

    Raises:
        StackError: a port is taken, a jar cannot be had, no JDK, or a process died (with its last lines).
        Interrupted: somebody pressed Ctrl-C; what was started by then is stopped.
    """
    at = files.folder(settings.stack)
    with _alone(at):
        processes = Processes(at.path)
        before = _running(processes)
        try:
            services = prepare(settings, at, tell)
            processes.stop(s.name for s in services if processes.outdated(s))
            return start(settings, services, tell)
        except KeyboardInterrupt:
            raise _stopped(processes, _running(processes).items() - before.items()) from None


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
    for done, error in enumerate(_ready(processes, services, deadline), 1):
        if error is not None:
            raise error
        tell(completed=done)
    return [s.name for s in missing]


def _ready(processes: Processes, services: list[Service], deadline: float) -> Iterator[Exception | None]:
    """For each service, in the order in which they serve: nothing, or why it does not.

    The threads are daemons: whoever is interrupted must not wait for the answer of a process that starts.
    """
    ends: queue.Queue[Exception | None] = queue.Queue()

    def wait(service: Service) -> None:
        try:
            processes.wait_ready(service, deadline)
        except Exception as e:  # noqa: BLE001 - raised again by whoever started the thread
            ends.put(e)
        else:
            ends.put(None)

    for service in services:
        threading.Thread(target=wait, args=(service,), daemon=True).start()
    for _ in services:
        yield ends.get()


def _running(processes: Processes) -> dict[str, int]:
    """Name and pid of each process that runs."""
    return {name: pid for name in processes.names() if (pid := processes.pid(name)) is not None}


def _stopped(processes: Processes, started: Iterable[tuple[str, int]]) -> Interrupted:
    """End what an interrupted `up` has started, and say so; a second Ctrl-C must not leave half of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    names = processes.stop([name for name, _ in started], STOPPED_WITHIN_S)
    return Interrupted(
        f"interrupted; stopped again: {', '.join(names) or 'nothing, no process had been started'}",
        remedy="headrace stack up",
    )


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
