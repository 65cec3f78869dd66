"""A Flink client that keeps running.

To start one costs ten CPU-seconds, to submit a job with it one or two. Tests about starting jobs
(savepoints given by hand, options, refusals, the demo) still type `flink run` or `headrace run`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from headrace.cluster import Submission
from headrace.job import lock
from headrace.job.program import Program
from headrace.job.start.submit import PATCH, REPLAY
from headrace.report import error_from_json
from tests.stack.submitting import PLACE, RESTORED


@dataclass(frozen=True)
class FlinkClient:
    """One client process for the whole test run."""

    link: Connection

    def __call__(self, submission: Submission) -> str:
        """As :class:`headrace.cluster.FlinkRun`, in the environment of this process."""
        if patch := submission.environment.get(PATCH):
            return self._ask("judge", patch, _own())
        own = {**_own(), REPLAY: "0", **submission.environment}
        return self.submit(submission.job, own, submission.savepoint or "")

    def submit(self, job: str, environment: Mapping[str, str], savepoint: str = "") -> str:
        """Submit the job's declaration, restored from a savepoint if given; returns Flink's job id."""
        return self._ask("submit", job, {**environment, RESTORED: savepoint})

    def compiled(self, program: Program, _progress: object) -> lock.Lock:
        """Compile as a workspace does, in the environment of this process."""
        return lock.of(program, json.loads(self._ask("compile", program.job.name, _own())))

    def plans(
        self, job: str, queries: Sequence[Mapping[str, str]], environment: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """The plans of queries over a job's topics: of each statement set, table → query."""
        request = json.dumps({"job": job, "queries": [dict(q) for q in queries]})
        answer: list[dict[str, Any]] = json.loads(self._ask("plans", request, environment))
        return answer

    def _ask(self, what: str, job: str, environment: Mapping[str, str]) -> str:
        self.link.send((what, job, dict(environment)))
        answer, failure = self.link.recv()
        if isinstance(failure, dict):
            raise error_from_json(failure)
        assert not failure, failure
        return str(answer)


def _own() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key.startswith("HEADRACE")}


@contextmanager
def started(environment: Mapping[str, str]) -> Iterator[FlinkClient]:
    """Start the client, and end it after the block."""
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        place, log_path = Path(folder) / "client", Path(folder) / "log"
        path = os.pathsep.join([str(Path(__file__).parents[2]), environment.get("PYTHONPATH", "")])
        with Listener(str(place), family="AF_UNIX") as listener, log_path.open("wb") as log:
            process = subprocess.Popen(
                ["flink", "run", "-d", "-pym", "tests.stack.submitting"],
                env={**environment, PLACE: str(place), "PYTHONPATH": path},
                stdout=log,
                stderr=log,
            )
            try:
                with listener.accept() as link:
                    yield FlinkClient(link)
                assert process.wait(240) == 0, log_path.read_text()[-3000:]
            finally:
                process.kill()
                process.wait()
