"""The committed locks are those of the jobs beside them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headrace import project
from headrace.contract.rules import promised
from headrace.job import lock
from headrace.job.assemble import load_program
from headrace.job.program import Placement

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
    found, program = lock.require_current(load_program(job)), load_program(job)
    assert found.nodes(), project.lock_path(job)
    assert found.plan["sources"] == {t: facts.to_json() for t, facts in program.sources.items()}
    assert list(found.plan["promises"].values()) == [promised(c) for c in program.reads]


WORDS = {
    "topic": "physicalName",
    "strict-json.unknown-fields": "unknownFields",
    "scan.watermark.idle-timeout": "idleAfter",
    "scan.watermark.alignment.max-drift": "maxDrift",
}
NO_ROWS = {
    "connector", "properties.bootstrap.servers", "scan.startup.mode", "scan.watermark.alignment.group",
    "scan.topic-partition-discovery.interval",
}  # fmt: skip
"""Options that say where and when is read, and nothing of which rows come."""


@pytest.mark.parametrize(("where", "job"), JOBS)
def test_a_lock_knows_each_option_that_decides_which_rows_come(
    where: str, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_PROJECT", str(PROJECTS[where]))
    monkeypatch.chdir(PROJECTS[where])
    program = load_program(job)
    for table, facts in program.sources.items():
        (ddl,) = [t for t in program.tables(Placement()) if t.startswith(f"CREATE TABLE `{table}`")]
        options = re.findall(r"^  '([^']+)' = ", ddl.rpartition(" WITH (")[2], re.MULTILINE)
        assert options
        assert {WORDS.get(o, o) for o in options if o not in NO_ROWS} <= facts.to_json().keys()
