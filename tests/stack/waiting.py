"""Wait for a condition with a deadline; the only clock in the tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TICK_S = 0.2


def until(what: str, look: Callable[[], T], within_s: float = 600) -> T:
    """Call ``look`` until its answer is true, and return it; fails with ``what`` after the deadline."""
    deadline = time.monotonic() + within_s
    idle = threading.Event()
    while True:
        answer = look()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {within_s:.0f} s for {what}; last answer: {answer!r}"
        idle.wait(TICK_S)
