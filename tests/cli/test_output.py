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
from headrace.cli import output, plan
from headrace.cli.query import rows_table
from headrace.job import lock
from headrace.job.assemble import named

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
    table = Table(*(f"column {n}" for n in range(columns)))
    for row in range(rows):
        table.add_row(*(f"{LONG}.{row}{n}" for n in range(columns)))
    return table


@pytest.mark.parametrize("shown", [output.unsqueezed, output.fitted])
def test_a_pipe_gets_the_whole_width(in_a_pipe: Printed, shown: Callable[[Table], RenderableType]) -> None:
    lines = in_a_pipe(shown(_table(2))).splitlines()

    assert [all(f"{LONG}.{row}{n}" in line for n in range(5)) for row, line in enumerate(lines[3:5])] == [
        True
    ] * 2


def test_a_folded_cell_loses_nothing(on_a_terminal: Printed) -> None:
    said = on_a_terminal(output.unsqueezed(_table(1)))

    assert "…" not in said
    assert max(map(len, said.splitlines())) <= 80
    body = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines() if line.startswith("│")
    ]
    assert ["".join(parts) for parts in zip(*body, strict=True)] == [f"{LONG}.0{n}" for n in range(5)]


def test_what_does_not_fit_a_terminal_stands_upright(on_a_terminal: Printed) -> None:
    lines = on_a_terminal(output.fitted(_table(2))).splitlines()

    assert lines[0] == f"column 0  {LONG}.00"
    assert lines[4] == f"column 4  {LONG}.04"
    assert set(lines[5]) == {"─"}
    assert lines[6] == f"column 0  {LONG}.10"
    assert len(lines) == 11


def test_what_fits_a_terminal_stays_a_table(on_a_terminal: Printed) -> None:
    assert "┏" in on_a_terminal(output.fitted(_table(1, columns=2)))


def test_a_query_of_many_columns_can_be_read(on_a_terminal: Printed) -> None:
    names = [f"name_{n:02d}" for n in range(30)]

    lines = on_a_terminal(rows_table(names, [range(30), ["[b]a", None, *range(28)]])).splitlines()

    assert lines[:2] == ["name_00  0", "name_01  1"]
    assert lines[31:33] == ["name_00  [b]a", "name_01  NULL"]
    assert lines[-1] == "2 rows"


@pytest.mark.parametrize("place", ["in_a_pipe", "on_a_terminal"])
def test_plan_names_every_setting(request: pytest.FixtureRequest, place: str) -> None:
    printed: Printed = request.getfixturevalue(place)
    program = named("flights")

    said = printed(plan._page(program, lock.read("flights"), [], []))

    told = "".join(line.split("│")[1].strip() for line in said.splitlines() if line.startswith("│"))
    assert "…" not in told
    for setting in program.settings:
        assert setting.key in told


def test_times_are_told_to_the_second() -> None:
    at = datetime(2026, 11, 24, 1, 2, 3, 456_789, timezone.utc)

    assert output.moment(at) == output.moment(at.isoformat()) == "2026-11-24T01:02:03+00:00"
    assert output.moment(None, "none yet") == "none yet"


@pytest.mark.parametrize(("number", "said"), [(0, "0 rules"), (1, "1 rule"), (1200, "1,200 rules")])
def test_one_is_not_many(number: int, said: str) -> None:
    assert output.counted(number, "rule") == said


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
