"""Job files that cannot be read: each is named with its line, and none leaves a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.errors import JobError, UsageError
from headrace.job.declaration import Derive, Ingest
from headrace.job.job_file import load_job, require_job_file


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "jobs").mkdir()
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "jobs", raising=False)
    return tmp_path / "jobs"


DERIVE = 'JOB = Derive(reads=["a"], steps=["x"], writes=["broken"])\n'


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("x = 1\nJOB = Ingest(\n", 2, "not Python: '(' was never closed"),
        ("x = 1\n", 1, "the file declares no job"),
        ("if True:\n    JOB = Ingest('broken')\n", 1, "the file declares no job"),
        ("\nJOB = Ingest(contract='bro' + 'ken')\n", 2, "the contract of the job is not a literal string"),
        ("JOB = Ingest('broken', every='1s')\n", 1, "Ingest has no argument every"),
        ("JOB = Ingest('broken', '1s', 3)\n", 1, "Ingest has no argument number 3"),
        ("JOB = Ingest('broken', checkpoint_every='soon')\n", 1, "checkpoint_every='soon' is not a duration"),
        (DERIVE.replace('["a"]', '"a"'), 1, "the reads of the job are not a list of literal strings"),
        (DERIVE.replace('["x"]', "[]"), 1, "the job has no steps"),
        (DERIVE.replace('"broken"', '"broken", "b"'), 1, "the job writes 2 tables by 1 steps"),
        (DERIVE.replace(")", ", functions=[])"), 1, "the functions of the job are not literal strings"),
        (
            "JOB = Ingest(contract='other')\n",
            1,
            "the job is named 'other' by its contract, the file 'broken'",
        ),
    ],
)
def test_what_is_not_a_plain_declaration_is_named_with_its_line(
    jobs: Path, text: str, line: int, what: str
) -> None:
    (jobs / "broken.py").write_text(text)

    with pytest.raises(JobError) as refused:
        load_job("broken")

    assert (refused.value.what, refused.value.where) == (what, f"jobs/broken.py:{line}")
    assert refused.value.remedy


def test_a_declaration_is_read_as_it_is_written(jobs: Path) -> None:
    (jobs / "b.py").write_text('JOB = Derive(["a"], ["x", "y"], ("b",), "1min", {"f": "udfs.m.f"})\n')

    assert load_job("b") == Derive(["a"], ["x", "y"], ["b"], "1min", {"f": "udfs.m.f"})


def test_reading_runs_nothing_and_the_last_declaration_counts(jobs: Path) -> None:
    (jobs / "b.py").write_text('import nonesuch\nJOB = Ingest("a")\nJOB = Ingest("b")\nraise SystemExit(3)\n')

    assert load_job("b") == Ingest("b")
    assert "jobs.b" not in sys.modules


@pytest.mark.parametrize("look", [load_job, require_job_file])
def test_a_missing_job_is_reported_with_the_existing_ones(look: Callable[[str], object], jobs: Path) -> None:
    (jobs / "orders.py").touch()

    with pytest.raises(UsageError) as refused:
        look("nojob")

    assert refused.value.what == "there is no job 'nojob'"
    assert refused.value.remedy == "the jobs here are: orders"


def test_a_broken_file_is_still_one(jobs: Path) -> None:
    (jobs / "orders.py").write_text("(")

    assert require_job_file("orders") == jobs / "orders.py"
