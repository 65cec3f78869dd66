"""Tables that are never cut: whole in a pipe, folded or upright on a narrow terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timezone

import pytest
import structlog
from rich.console import Console, RenderableType
from rich.table import Table

from headrace import log
from headrace.cli import layout, output
from headrace.cli.pages import plan
from headrace.cli.pages.query import rows_table
from headrace.job import lock
from headrace.job.assemble import load_program
from headrace.operate.parts.table_fit import TableFit
from headrace.operate.plan import JobPlan
from headrace.text import counted

NOT_ASKED = TableFit("s3://lake", unreached="the connection is refused")
LONG = "0000000010-5f3e9c2ab1d47788"
Printed = Callable[[RenderableType], str]


def _on(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> Printed:
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=80,
        soft_wrap=True,
        color_system=None,
        highlight=False,
    )
    monkeypatch.setattr(output, "out", console)

    def printed(what: RenderableType) -> str:
        console.print(what, markup=False)
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    return printed


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Printed:
    return _on(monkeypatch, terminal=True)


@pytest.fixture
def in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> Printed:
    return _on(monkeypatch, terminal=False)


def _table(rows: int, columns: int = 5) -> Table:
    table = layout.listing(*(f"column {n}" for n in range(columns)))
    for row in range(rows):
        table.add_row(*(f"{LONG}.{row}{n}" for n in range(columns)))
    return table


def test_a_pipe_gets_the_whole_width(in_a_pipe: Printed) -> None:
    lines = in_a_pipe(layout.fit_table(_table(2))).splitlines()

    assert [all(f"{LONG}.{row}{n}" in line for n in range(5)) for row, line in enumerate(lines[1:])] == [
        True
    ] * 2


def test_optional_columns_are_dropped_first(on_a_terminal: Printed) -> None:
    spare = [f"column {n}" for n in (4, 0, 2, 1)]

    lines = on_a_terminal(layout.fit_table(_table(1), spare=spare)).splitlines()

    assert lines[0].split("  ")[0] == "column 1"
    assert lines[1].split() == [f"{LONG}.01", f"{LONG}.03"]


def test_only_prose_is_wrapped(on_a_terminal: Printed) -> None:
    table = layout.listing("number", "why", "manifest", numbers=["number"])
    table.add_row("1,200", "the wrong savepoint was restored by hand, and nobody noticed it", LONG)

    lines = on_a_terminal(layout.fit_table(table, prose="why")).splitlines()

    assert lines[0].split() == ["number", "why", "manifest"]
    assert lines[1].startswith(" 1,200  the wrong savepoint")
    assert LONG in lines[1]
    assert max(map(len, lines)) <= 80
    assert len(lines) > 2


def test_a_long_fact_is_wrapped_under_its_value(on_a_terminal: Printed) -> None:
    output = on_a_terminal(
        layout.facts({"why": "a reason " * 12, "next": f"two\nlines {LONG * 3}"}, indent=6)
    )

    assert [line[:7] for line in output.splitlines()] == [
        "why    ",
        "       ",
        "next   ",
        "       ",
        "       ",
    ]
    assert LONG * 3 in output  # no word is broken


def test_a_table_too_wide_for_the_terminal_is_shown_vertically(on_a_terminal: Printed) -> None:
    lines = on_a_terminal(layout.fit_table(_table(2))).splitlines()

    assert lines[0] == f"column 0  {LONG}.00"
    assert lines[4] == f"column 4  {LONG}.04"
    assert set(lines[5]) == {"─"}
    assert lines[6] == f"column 0  {LONG}.10"
    assert len(lines) == 11


def test_a_table_that_fits_the_terminal_stays_a_table(on_a_terminal: Printed) -> None:
    assert on_a_terminal(layout.fit_table(_table(1, columns=2))).splitlines()[0].split("  ")[0] == "column 0"


def test_a_query_of_many_columns_can_be_read(on_a_terminal: Printed) -> None:
    names = [f"name_{n:02d}" for n in range(30)]

    lines = on_a_terminal(rows_table(names, [range(30), ["[b]a", None, *range(28)]])).splitlines()

    assert lines[:2] == ["name_00  0", "name_01  1"]
    assert lines[31:33] == ["name_00  [b]a", "name_01  NULL"]
    assert lines[-1] == "2 rows"


@pytest.mark.parametrize("place", ["in_a_pipe", "on_a_terminal"])
def test_plan_names_every_setting_on_request(request: pytest.FixtureRequest, place: str) -> None:
    printed: Printed = request.getfixturevalue(place)
    program = load_program("flights")

    output = printed(plan.page(JobPlan(program, lock.read("flights"), (), NOT_ASKED, ()), settings_too=True))

    for setting in program.settings:
        assert setting.key in output


def test_plan_without_a_lock_shows_the_pipeline_and_no_settings(in_a_pipe: Printed) -> None:
    program = load_program("departures_hourly")

    output = in_a_pipe(plan.page(JobPlan(program, None, (), NOT_ASKED, ())))

    for part in ("topic flights", "sql/departures_hourly/hourly.sql", "departures_hourly__late", "none yet"):
        assert part in output
    assert len(output.splitlines()) < 10
    assert program.settings[0].key not in output


def test_times_are_shown_to_the_second() -> None:
    at = datetime(2026, 11, 24, 1, 2, 3, 456_789, timezone.utc)

    assert layout.moment(at) == layout.moment(at.isoformat()) == "2026-11-24T01:02:03+00:00"
    assert layout.moment(None, "none yet") == "none yet"


@pytest.mark.parametrize(("number", "text"), [(0, "0 rules"), (1, "1 rule"), (1200, "1,200 rules")])
def test_counts_are_singular_or_plural(number: int, text: str) -> None:
    assert counted(number, "rule") == text


def test_a_log_line_does_not_land_in_a_spinner(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(output, "err", Console(force_terminal=True, soft_wrap=True, width=80, file=screen))
    log.configure()

    with output.progress("verifying flights"):
        structlog.get_logger().warning("cannot publish now")

    (line,) = [line for line in screen.getvalue().splitlines() if "cannot publish now" in line]
    assert "verifying flights" not in line.rpartition("\x1b[2K")[2]  # what stood in the line before is erased
    assert "\x1b[2K" in line
