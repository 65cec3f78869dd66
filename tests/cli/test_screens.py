"""The output of each command, at 80 and 120 columns and in a pipe, against the files in ``screens/``.

After a change on purpose: ``pytest tests/cli/test_screens.py --screens`` rewrites them; read the diff.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from headrace.cli import output
from headrace.errors import HeadraceError
from tests.cli.shown import SCREENS

FOLDER = Path(__file__).parent / "screens"
PLACES: dict[str, int | None] = {"80 columns": 80, "120 columns": 120, "a pipe": None}
SENTENCES = {name for name in SCREENS if name.startswith(("error", "publish", "verify"))}
"""Screens of sentences, which the terminal may wrap: they can still be copied."""
ID = 48
"""A word this long, such as an address, is not broken either."""
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def _printed(name: str, width: int | None, monkeypatch: pytest.MonkeyPatch, *, colour: bool = False) -> str:
    screen = io.StringIO()
    console = Console(
        file=screen,
        force_terminal=width is not None,
        width=width or 80,
        soft_wrap=True,
        highlight=False,
        color_system="truecolor" if colour else None,
    )
    monkeypatch.setattr(output, "out", console)
    monkeypatch.setattr(output, "err", console)
    shown = SCREENS[name]()
    if isinstance(shown, HeadraceError):
        output.fail(shown, output.Format.text)
    else:
        output.emit(None, output.Format.text, lambda: shown)
    return screen.getvalue()


def _text(printed: str) -> str:
    """Without colours, and without the spaces that fill the last column."""
    return "".join(f"{line.rstrip()}\n" for line in ESCAPES.sub("", printed).splitlines())


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_equals_its_file(
    name: str, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    seen = "\n".join(
        f"== {place}\n{_text(_printed(name, width, monkeypatch))}" for place, width in PLACES.items()
    )
    golden = FOLDER / f"{name}.txt"
    if pytestconfig.getoption("--screens"):
        golden.write_text(seen)

    assert seen == golden.read_text()


@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.parametrize("width", [80, 120])
def test_colour_changes_no_text(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _printed(name, width, monkeypatch)

    coloured = _printed(name, width, monkeypatch, colour=True)

    assert not re.search(r"\x1b\[3[0-9]m", plain)
    assert _text(coloured) == _text(plain)


@pytest.mark.parametrize("name", SCREENS)
def test_a_pipe_gets_no_colour(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in _printed(name, None, monkeypatch)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", sorted(SCREENS.keys() - SENTENCES))
def test_no_table_is_wider_than_the_terminal(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = _text(_printed(name, width, monkeypatch)).splitlines()

    assert [line for line in lines if len(line) > width and len(max(line.split(), key=len)) < ID] == []


def test_a_reason_is_one_line_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = _text(_printed("quarantine ls", 80, monkeypatch)).splitlines()

    assert len(lines) == 1 + 4 + 1  # headers, reasons, the sum


def test_every_screen_file_belongs_to_a_screen() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(SCREENS)
