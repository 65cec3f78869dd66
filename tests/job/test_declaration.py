"""Job files that cannot be read: each is named with its line, and none leaves a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.errors import JobError, UsageError
from headrace.job.declaration import existing, find


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "jobs").mkdir()
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "jobs", raising=False)
    return tmp_path / "jobs"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('"""A job."""\n\nraise RuntimeError("boom")\n', 3, "the file raises RuntimeError: boom"),
        ("def f():\n    raise KeyError\n\nf()\n", 2, "the file raises KeyError"),
        ("x = 1\nimport nonesuch\n", 2, "the file raises ModuleNotFoundError: No module named 'nonesuch'"),
        ("x = 1\nJOB = Ingest(\n", 2, "the file raises SyntaxError: '(' was never closed"),
        ("import sys\nsys.exit(3)\n", 2, "the file raises SystemExit: 3"),
        ('import json\njson.loads("{")\n', 2, "the file raises JSONDecodeError: Expecting property name"),
    ],
)
def test_a_file_that_raises_is_named_with_its_line(jobs: Path, text: str, line: int, what: str) -> None:
    (jobs / "broken_one.py").write_text(text)

    with pytest.raises(JobError) as refused:
        find("broken_one")

    assert refused.value.what.startswith(what)
    assert refused.value.where == f"jobs/broken_one.py:{line}"
    assert "headrace check broken_one" in refused.value.remedy


def test_the_line_is_that_of_the_job_file_where_a_module_of_it_is_broken(jobs: Path) -> None:
    (jobs / "_shared.py").write_text("\n\n\nx = (\n")
    (jobs / "broken_two.py").write_text("\nimport jobs._shared\n")

    with pytest.raises(JobError) as refused:
        find("broken_two")

    assert refused.value.where == "jobs/broken_two.py:2"


def test_an_error_that_is_headraces_own_stays_as_it_is(jobs: Path) -> None:
    (jobs / "broken_three.py").write_text(
        'from headrace.errors import UsageError\nraise UsageError("no", remedy="yes")\n'
    )

    with pytest.raises(UsageError) as refused:
        find("broken_three")

    assert (refused.value.what, refused.value.remedy) == ("no", "yes")


@pytest.mark.parametrize("look", [find, existing])
def test_a_job_that_is_not_there_is_told_with_those_that_are(
    look: Callable[[str], object], jobs: Path
) -> None:
    (jobs / "orders.py").touch()

    with pytest.raises(UsageError) as refused:
        look("nojob")

    assert refused.value.what == "there is no job 'nojob'"
    assert refused.value.remedy == "the jobs here are: orders"


def test_a_broken_file_is_still_one(jobs: Path) -> None:
    (jobs / "orders.py").write_text("(")

    assert existing("orders") == jobs / "orders.py"
