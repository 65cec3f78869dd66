"""Where a refused statement was written, as far as Flink's words say: the planner is in tests/stack."""

from __future__ import annotations

from headrace import project
from headrace.job.assemble import load_program
from headrace.job.program import Placement
from headrace.job.refused import SHOWN, flink_refusal

PROGRAM = load_program("departures_hourly")
SINK = "Table sink 'default_catalog.default_database.departures_hourly'"


def _where(said: str, statement: str = "") -> str:
    return flink_refusal(PROGRAM, statement, ["outer", said]).where


def test_a_statement_made_from_a_contract_names_the_contract() -> None:
    topic, *_ = PROGRAM.tables(Placement())

    assert _where("no such option", topic) == "contracts/flights.odcs.yaml"
    assert _where("no such option", PROGRAM.sinks(Placement())[-1]) == "contracts/departures_hourly.odcs.yaml"


def test_the_only_line_that_can_make_a_node_is_named() -> None:
    line = _where(
        f"{SINK} doesn't support consuming update changes which is produced by node GroupAggregate(x)"
    )

    file, _, number = line.rpartition(":")
    assert file == "sql/departures_hourly/hourly.sql"
    assert "GROUP BY" in (project.root() / file).read_text().splitlines()[int(number) - 1]


def test_a_node_without_a_line_is_reported_at_the_step_of_its_table() -> None:
    assert _where(f"{SINK} … produced by node Join(x)") == "sql/departures_hourly/hourly.sql:1"
    assert _where("something else") == "jobs/departures_hourly.py"


def test_the_words_are_the_innermost_ones_and_short() -> None:
    error = flink_refusal(
        PROGRAM, "", ["outer", 'Encountered "x" at line 3, column 2.\nWas expecting one of:\n  "y"']
    )
    assert error.what == 'Flink does not accept this: Encountered "x"'

    assert len(flink_refusal(PROGRAM, "", ["long " * 500]).what) < SHOWN + 40
    assert flink_refusal(PROGRAM, "", []).what.endswith("no reason given")
