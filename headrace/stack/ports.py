"""Ports: a taken one must be a clear error before anything starts, not a stack trace in a log afterwards."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from headrace.errors import StackError
from headrace.settings import Ports

HOST = "127.0.0.1"
_LISTEN = "0A"
_CHANCE = random.SystemRandom()
"""Not the shared generator: two test workers give it the same seed, and would choose the same ports."""
CLOSING_S = 10.0
"""A killed JVM's sockets close with its last thread, a moment after its pid is gone."""


def require_free(ports: Ports, names: Iterable[str]) -> None:
    """Refuse to start on a taken port.

    Raises:
        StackError: names the port, its setting and, if the system reports it, the process that holds it.
    """
    for name in names:
        port = getattr(ports, name)
        if not _free_soon(port):
            who = holder(port)
            raise StackError(
                f"port {port} is taken" + (f" by {who}" if who else ""),
                where=f"stack.ports.{name}",
                remedy=f"end that process, or choose another port: HEADRACE__STACK__PORTS__{name.upper()}=…",
                port=port,
                setting=f"stack.ports.{name}",
                holder=who,
            )


def _free_soon(port: int) -> bool:
    """Whether it is free, after a wait if only the ending threads of a killed process hold it."""
    deadline = time.monotonic() + CLOSING_S
    while not is_free(port):
        if holder(port) or time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen there now (a connection in TIME_WAIT does not prevent it)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose() -> Ports:
    """Ports that are free now, for a stack that must not conflict with another one.

    They are below the range of ports for outgoing connections: a client that looks for a killed server in
    that range can connect to itself, and then holds that very port.
    """
    names = list(Ports.model_fields)
    candidates = _CHANCE.sample(range(10_000, 32_000), 2_000)
    free = (port for port in candidates if is_free(port))
    return Ports(**dict(zip(names, free, strict=False)))


def holder(port: int) -> str:
    """``pid 123 (name)`` of the process that listens there; empty if /proc does not show it."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        with contextlib.suppress(OSError):
            if str(descriptor.readlink()) in inodes:
                pid = descriptor.parts[2]
                return f"pid {pid} ({Path('/proc', pid, 'comm').read_text().strip()})"
    return ""


def _listening(port: int) -> Iterable[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]
