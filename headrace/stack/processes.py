"""Processes that outlive the command that started them, and are stopped only if provably the same.

A process is recorded with its start time: the system reuses pids, and killing by pid alone would some day hit
an unrelated process. It runs in a session of its own, so that Ctrl-C in the shell does not reach it and its
children end with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from headrace.errors import StackError

_STARTED: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this process; each must be polled, or it stays a zombie that looks alive."""

_STEP_S = 0.1
_TAIL_LINES = 15
_TAIL_BYTES = 64 << 10
_LOG_KEPT_BYTES = 64 << 20


@dataclass(frozen=True)
class Service:
    """One process of the stack: how to start it and how to know that it serves."""

    name: str
    argv: list[str]
    ready: Callable[[], bool]
    """Uses the real protocol; a refused connection is False, not an error."""
    env: dict[str, str] = field(default_factory=dict, repr=False)
    ports: tuple[str, ...] = ()
    """Names in ``settings.stack.ports``."""
    ident: str = ""
    """A name of this particular start, where others may still know an earlier start by the service's name."""
    code: str = ""
    """The code that it runs, if that can change: `up` replaces a process that runs other code."""
    prepare: Callable[[], None] = lambda: None
    """Called before each start; it may be repeated."""


@dataclass(frozen=True)
class Processes:
    """The processes of one stack folder, and their logs."""

    folder: Path

    def log(self, name: str) -> Path:
        """The log file of that process."""
        return self.folder / "logs" / f"{name}.log"

    def names(self) -> list[str]:
        """All processes on record, running or dead."""
        return sorted(p.stem for p in (self.folder / "run").glob("*.json"))

    def pid(self, name: str) -> int | None:
        """The pid, if the process that we started under that name is still running."""
        if not (record := self._read(name)):
            return None
        pid = int(record["pid"])
        if (child := _STARTED.get(pid)) is not None:
            child.poll()
        return pid if _started_at(pid) == record["started"] else None

    def ident(self, name: str) -> str:
        """The ``ident`` with which the process was started."""
        return str(self._read(name).get("ident", ""))

    def outdated(self, service: Service) -> bool:
        """Whether it runs with other code than a start would use now."""
        return self.pid(service.name) is not None and self._read(service.name).get("code") != service.code

    def start(self, service: Service) -> None:
        """Start it, detached; a large old log is kept as ``<name>.log.1``."""
        log = self.log(service.name)
        for folder in (log.parent, self._record(service.name).parent):
            folder.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as out, _interrupt_delayed():
            begin = out.tell()
            child = subprocess.Popen(
                service.argv,
                env={**os.environ, **service.env},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            _STARTED[child.pid] = child
            record = {
                "pid": child.pid,
                "started": _started_at(child.pid),
                "log_from": begin,
                "ident": service.ident,
                "code": service.code,
            }
            self._record(service.name).write_text(json.dumps(record))

    def wait_ready(self, service: Service, deadline: float) -> None:
        """Wait until it serves.

        Raises:
            StackError: it died, with the end of its log, or the deadline (of ``time.monotonic``) passed.
        """
        while not service.ready():
            if self.pid(service.name) is None:
                raise self._failed(service.name, "died while it started")
            if time.monotonic() > deadline:
                raise self._failed(service.name, "does not answer in time")
            time.sleep(_STEP_S)

    def stop(self, names: Iterable[str], grace_s: float = 15) -> list[str]:
        """Stop the processes with these names, by SIGTERM, then by SIGKILL. Return those that ran."""
        running = {name: pid for name in names if (pid := self.pid(name)) is not None}
        for pid in running.values():
            _signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while any(self.pid(name) for name in running) and time.monotonic() < deadline:
            time.sleep(_STEP_S)
        for name, pid in running.items():
            self.kill(name)
            _signal(-pid, signal.SIGKILL)  # the rest of its session: Flink's Python workers
            self._record(name).unlink(missing_ok=True)
        return sorted(running)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send it a signal; after SIGKILL, return only when it is gone."""
        if (pid := self.pid(name)) is None:
            return
        _signal(pid, number)
        while number == signal.SIGKILL and self.pid(name) is not None:
            time.sleep(_STEP_S / 10)

    def tail(self, name: str, lines: int = _TAIL_LINES, *, since_start: bool = False) -> list[str]:
        """The last lines of its log, at most 64 KiB of it."""
        log = self.log(name)
        if not log.is_file():
            return []
        begin = int(self._read(name).get("log_from", 0)) if since_start else 0
        with log.open("rb") as f:
            size = f.seek(0, os.SEEK_END)
            f.seek(max(begin, size - _TAIL_BYTES))
            return f.read().decode(errors="replace").splitlines()[-lines:]

    def _record(self, name: str) -> Path:
        return self.folder / "run" / f"{name}.json"

    def _read(self, name: str) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads(self._record(name).read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return record

    def _failed(self, name: str, how: str) -> StackError:
        last = "\n    ".join(self.tail(name, since_start=True)) or "(its log is empty)"
        return StackError(
            f"{name} {how}; its last lines:\n    {last}",
            where=str(self.log(name)),
            remedy=f"headrace stack logs {name}",
        )


@contextlib.contextmanager
def _interrupt_delayed() -> Iterator[None]:
    """Delay Ctrl-C until the block ends: a process started but not recorded would never be stopped."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    pressed: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: pressed.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    for number, frame in pressed[:1]:
        before(number, frame)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if pid < 0:
            os.killpg(-pid, number)
        else:
            os.kill(pid, number)


def _started_at(pid: int) -> str | None:
    """When that process started, as the system reports it; None if there is none or it is a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return None if not answer or answer[0].startswith("Z") else answer[-1].strip()
