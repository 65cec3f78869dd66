"""Wait for a condition with a deadline; the only clock in the tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TICK_S = 0.2


def until(what: str, look: Callable[[], T], within_s: float = 600) -> T:
    """The first true answer of ``look``; fails with ``what`` when the deadline passes."""
    deadline = time.monotonic() + within_s
    idle = threading.Event()
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {within_s:.0f} s for {what}; last answer: {found!r}"
        idle.wait(TICK_S)
