"""The client of a session cluster: ``flink run``, a process that runs a job's ``main`` and ends."""

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
from headrace.cluster.rest import last_words
from headrace.errors import HeadraceError, JobError, StackError
from headrace.report import REPORT, read_report


@dataclass(frozen=True)
class FlinkRun:
    """Submits by ``flink run -d -pym MODULE``, from the folder of the project."""

    environment: Callable[[], Mapping[str, str]]
    """What the client needs beside this process's own environment, such as FLINK_CONF_DIR and PATH.

    Asked for at each submission: to find a JDK takes a moment, and whoever submits nothing needs none.
    """

    def __call__(self, submission: Submission) -> str:
        """Submit a job, and give the id that Flink gave it.

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
            found = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
            if found is None:
                raise _refused(submission.job, report, done.stdout + done.stderr)
        return found[1]


def _refused(job: str, report: Path, said: str) -> HeadraceError:
    """The job's own error if it left one, else the innermost cause that Flink names."""
    return read_report(report) or JobError(
        last_words(said) or "Flink said nothing",
        where=f"jobs/{job}.py",
        remedy="headrace stack status; headrace stack logs jobmanager",
    )
