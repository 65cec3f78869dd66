"""The committed locks are those of the jobs beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace import project
from headrace.job import lock
from headrace.job.assemble import named

ROOT = Path(__file__).parents[2]
PROJECTS = {"": ROOT, "tests": ROOT / "tests" / "stack" / "project"}
JOBS = [
    (name, path.name.removesuffix(".lock.json"))
    for name, folder in PROJECTS.items()
    for path in sorted((folder / "jobs").glob("*.lock.json"))
]


@pytest.mark.parametrize(("where", "job"), JOBS)
def test_a_lock_is_current(where: str, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else: headrace plan JOB --accept, in the project's folder."""
    monkeypatch.setenv("HEADRACE_PROJECT", str(PROJECTS[where]))
    monkeypatch.chdir(PROJECTS[where])
    assert lock.current(named(job)).nodes(), project.lock_path(job)
