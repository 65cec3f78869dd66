"""The client of a session cluster: ``flink run``, a process that runs a job's ``main`` and exits."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace import project
from headrace.cluster.model import Submission
from headrace.cluster.rest import last_cause
from headrace.errors import HeadraceError, JobError, StackError
from headrace.report import REPORT, read_report


@dataclass(frozen=True)
class FlinkRun:
    """Submits by ``flink run -d -pym MODULE``, from the folder of the project."""

    environment: Callable[[], Mapping[str, str]]
    """Variables that the client needs besides this process's environment, such as FLINK_CONF_DIR and PATH.

    Called at each submission, not earlier: it looks for a JDK, which only submissions need.
    """

    def __call__(self, submission: Submission) -> str:
        """Submit a job, and return Flink's id for it.

        Raises:
            HeadraceError: as :meth:`headrace.cluster.Cluster.submit`.
        """
        env = {**os.environ, **self.environment()}
        command = shutil.which("flink", path=env["PATH"])
        if command is None:
            raise StackError("there is no flink command", remedy="headrace stack up")
        restored = ["-s", submission.savepoint] if submission.savepoint else []
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            done = subprocess.run(
                [command, "run", "-d", *restored, "-pym", submission.module],
                env={**env, REPORT: str(report), **submission.environment},
                cwd=project.root(),
                capture_output=True,
                text=True,
                check=False,
            )
            job_id = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
            if job_id is None:
                raise _submission_error(submission.job, report, done.stdout + done.stderr)
        return job_id[1]


def _submission_error(job: str, report: Path, output: str) -> HeadraceError:
    """The job's own error if it reported one, else the innermost cause that Flink names."""
    return read_report(report) or JobError(
        last_cause(output) or "Flink output nothing",
        where=f"jobs/{job}.py",
        remedy="headrace stack status; headrace stack logs jobmanager",
    )
