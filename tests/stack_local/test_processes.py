import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import StackError
from headrace.stack.processes import Processes, Service, _started_at

WITHIN_S = 60
SLEEP = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    found = Processes(tmp_path)
    yield found
    found.stop(found.names(), grace_s=0)


def script(code: str, *, name: str = "one", ready: Callable[[], bool] = lambda: True) -> Service:
    return Service(name, [sys.executable, "-c", code], ready=ready)


def started(processes: Processes, code: str, says: str = "up") -> int:
    """A process that has come as far as its first line."""
    service = script(code, ready=lambda: any(line.startswith(says) for line in processes.tail("one")))
    processes.start(service)
    processes.wait_ready(service, time.monotonic() + WITHIN_S)
    pid = processes.pid("one")
    assert pid is not None
    return pid


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_runs_until_it_is_stopped(processes: Processes) -> None:
    pid = started(processes, SLEEP)

    assert not gone(pid)
    assert processes.stop(["one"]) == ["one"]
    assert processes.pid("one") is None
    assert processes.names() == []


def test_ctrl_c_before_it_is_recorded_leaves_no_unknown_process(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            processes.start(script(SLEEP))
    finally:
        signal.signal(signal.SIGINT, before)

    assert processes.stop(["one"], grace_s=0) == ["one"]


def test_another_command_finds_what_this_one_started(processes: Processes, tmp_path: Path) -> None:
    pid = started(processes, SLEEP)

    assert Processes(tmp_path).pid("one") == pid


def test_a_process_has_its_own_session(processes: Processes) -> None:
    assert os.getsid(started(processes, SLEEP)) != os.getsid(0)


def test_a_stranger_with_a_recycled_pid_is_not_ended(processes: Processes, tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", SLEEP], stdout=subprocess.DEVNULL)
    try:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "one.json").write_text(json.dumps({"pid": stranger.pid, "started": "earlier"}))

        assert processes.pid("one") is None
        assert processes.stop(["one"]) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_who_does_not_listen_is_ended_by_force(processes: Processes) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEP
    started(processes, deaf)

    processes.stop(["one"], grace_s=0.2)

    assert processes.pid("one") is None


def test_its_children_end_with_it(processes: Processes) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print('up', child.pid, flush=True)\n"
        "time.sleep(600)"
    )
    started(processes, code)
    child = int(processes.tail("one")[-1].split()[1])

    processes.stop(["one"])

    deadline = time.monotonic() + WITHIN_S
    while _started_at(child) is not None:
        assert time.monotonic() < deadline


def test_a_paused_process_continues(processes: Processes) -> None:
    pid = started(processes, SLEEP)

    processes.kill("one", signal.SIGSTOP)
    processes.kill("one", signal.SIGCONT)

    assert processes.pid("one") == pid


def test_an_early_death_shows_the_last_lines_of_this_start_only(processes: Processes) -> None:
    processes.log("one").parent.mkdir()
    processes.log("one").write_text("an older run\n")
    service = script("print('no space left'); raise SystemExit(3)", ready=lambda: False)
    processes.start(service)

    with pytest.raises(StackError, match="one died") as e:
        processes.wait_ready(service, time.monotonic() + WITHIN_S)

    assert "no space left" in str(e.value)
    assert "an older run" not in str(e.value)


def test_a_process_that_never_serves_is_an_error_at_the_deadline(processes: Processes) -> None:
    service = script(SLEEP, ready=lambda: False)
    processes.start(service)

    with pytest.raises(StackError, match="does not answer in time"):
        processes.wait_ready(service, time.monotonic() + 0.2)
