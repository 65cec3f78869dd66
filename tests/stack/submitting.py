"""The main of a `flink run` that keeps running: it submits jobs one after another, as their own mains do.

It compiles plans too, in a JVM whose counter of node ids has already advanced.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Client
from pathlib import Path
from unittest.mock import patch

from headrace.errors import HeadraceError
from headrace.job import flink
from headrace.job.compile import main as compile_plan
from headrace.job.environment import open_environment
from headrace.job.job_file import load_job
from headrace.job.judge import execute_judging
from headrace.job.start.options import SAVEPOINT
from headrace.job.start.submit import execute_job
from tests.stack.compiling import plans

PLACE = "HEADRACE_TEST_CLIENT"
RESTORED = "HEADRACE_TEST_SAVEPOINT"
"""The savepoint that `flink run -s` would have been given, or empty."""


def main() -> None:
    with Client(os.environ[PLACE], family="AF_UNIX") as link:
        while True:
            try:
                what, job, environment = link.recv()
            except EOFError:
                return
            os.environ.update(environment)
            try:
                look_in(os.environ["HEADRACE_PROJECT"])
                link.send((COMMANDS[what](job), ""))
            except Exception as e:  # noqa: BLE001 - the client keeps running, the test gets the error
                if isinstance(e, HeadraceError):
                    link.send(("", {**e.to_json(), "exit_code": e.exit_code}))
                else:
                    link.send(("", f"{e!r} {e}"))


def look_in(project: str) -> None:
    """Import jobs from that project as it is now: another test's project may have a job of the same name."""
    for name in [n for n in sys.modules if n == "jobs" or n.startswith("jobs.")]:
        del sys.modules[name]
    sys.path[:] = [project, *(place for place in sys.path if not (Path(place) / "jobs").is_dir())]


def compile_job(job: str) -> str:
    """Compile a job; returns its plan as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "plan.json"
        compile_plan(job, str(target))
        return target.read_text()


def submit_job(job: str) -> str:
    """Submit a job that restores what :data:`RESTORED` names; returns Flink's job id."""
    restored = {SAVEPOINT: os.environ[RESTORED]}
    real = flink.submitted_options
    with patch.object(flink, "submitted_options", lambda keys: real(keys) | restored):
        return execute_job(load_job(job), open_environment())


COMMANDS: dict[str, Callable[[str], str]] = {
    "submit": submit_job,
    "judge": lambda arguments: execute_judging(*_split(arguments), open_environment()),
    "compile": compile_job,
    "plans": plans,
}


def _split(arguments: str) -> tuple[str, int, str]:
    job, patch, submission = arguments.split()
    return job, int(patch), submission


if __name__ == "__main__":
    main()
