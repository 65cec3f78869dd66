"""Ctrl-C while the stack starts: what was started does not stay behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.stack import local
from headrace.stack.processes import Processes, Service
from tests.cli.remedies import Terminal

ROOT = Path(__file__).parents[2]
PROMISED_S = 5.0
PATIENCE_S = 15.0
"""For which every other stop waits. The two seconds of this one are less, however slow the machine is."""


def _until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_up_had_started_is_stopped_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    processes = Processes(tmp_path)
    monkeypatch.setenv("HEADRACE__STACK__FOLDER", str(tmp_path))
    up = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("interrupted.py"))],
        env={**os.environ, "HEADRACE_PROJECT": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _until(lambda: all(processes.tail(name) == ["up"] for name in ("kafka", "store")))
        pids = {name: processes.pid(name) for name in ("kafka", "store")}
        pressed = time.monotonic()
        up.send_signal(signal.SIGINT)
        _, said = up.communicate(timeout=60)
        seconds = time.monotonic() - pressed
    finally:
        up.kill()
        processes.stop(processes.names(), grace_s=0)

    assert all(pids.values())
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values())
    assert "interrupted; stopped again: kafka, store" in said
    assert up.returncode == 130
    assert local.STOPPED_WITHIN_S < PROMISED_S
    assert seconds < PATIENCE_S

    # what it says to do then: as if the processes served now
    serving = Service("kafka", [sys.executable, "-c", "import time; time.sleep(600)"], ready=lambda: True)
    monkeypatch.setattr(local, "prepare", lambda *_: [serving])
    try:
        Terminal(capsys).follow(said, "stack/local.py: stack up")
        assert processes.pid("kafka")
    finally:
        processes.stop(processes.names(), grace_s=0)
