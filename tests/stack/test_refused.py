"""What the real planner refuses: by its root cause, at the file and line of our SQL."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from headrace.errors import HeadraceError
from headrace.job.assemble import load_program
from headrace.job.lock import compile_lock
from tests.stack.edited import JOB, Edited

COUNTS = "SELECT MOD(id, 2) AS lane, COUNT(*) AS n, MAX(id) AS most FROM events GROUP BY MOD(id, 2)"
JOINED = """SELECT a.lane, a.n, b.most
FROM (SELECT id AS lane, id AS n FROM events) AS a
LEFT JOIN (SELECT id AS lane, id AS most FROM events) AS b ON a.lane = b.lane"""
REFUSED = {
    "a word that is not SQL": (
        "SELECT id AS lane,\n  id AS n, id AS most\nFRM events",
        3,
        'Encountered "FRM"',
    ),
    "a comma too many": (
        "SELECT id AS lane, id AS n,\nFROM events",
        2,
        "Incorrect syntax near the keyword 'FROM'",
    ),
    "no such column": (
        "SELECT id AS lane,\n\n  nope AS n, id AS most\nFROM events",
        3,
        "Column 'nope' not found",
    ),
    "no such table": ("SELECT id AS lane, id AS n, id AS most\nFROM eventz", 2, "Object 'eventz' not found"),
    "no such function": (
        "SELECT id AS lane, id AS n,\n\n  huge(id) AS most FROM events",
        3,
        "No match found for function signature huge",
    ),
    "not grouped": (
        "SELECT id AS lane,\n  COUNT(*) AS n, 1 AS most\nFROM events GROUP BY MOD(id, 2)",
        1,
        "Expression 'id' is not being grouped",
    ),
    "deletes": (
        JOINED,
        3,
        "doesn't support consuming",
    ),
}


@pytest.fixture
def job(edited: Callable[..., Edited]) -> Edited:
    return edited({JOB: COUNTS})


def test_a_planner_error_is_quoted_at_the_line_of_our_sql(job: Edited) -> None:
    for what, (sql, line, words) in REFUSED.items():
        job.edit({JOB: f"-- {what}\n{sql}"})

        output = job.road.headrace("plan", JOB, "--accept", expect=1)

        first = output.splitlines()[0]
        assert f"sql/{JOB}/make_{JOB}.sql:{line + 1}: Flink does not accept this: " in first, output
        assert words in first
        assert "Was expecting" not in output
        assert "at java" not in output
        assert "\tat " not in output


def test_a_fresh_process_reports_the_same_error(job: Edited) -> None:
    job.edit({JOB: "\n\n" + REFUSED["no such column"][0]})

    with pytest.raises(HeadraceError, match="Column 'nope' not found in any table") as refused:
        compile_lock(load_program(JOB), {**os.environ, **job.road.environment()})

    assert refused.value.where == f"sql/{JOB}/make_{JOB}.sql:5"
    assert refused.value.code == "job"
