"""``headrace topic produce``: what is left out of a file is told, to people and to machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from headrace.cli import topic
from headrace.cluster import kafka


def _produce(monkeypatch: pytest.MonkeyPatch, empty: int, *options: str) -> str:
    app = typer.Typer()
    topic.register(app)
    app.command("beside")(lambda: None)  # a single group would lose its name
    monkeypatch.setattr(kafka, "produce_lines", lambda *_args, **_options: kafka.Lines(1200, empty))
    result = CliRunner().invoke(app, ["topic", "produce", "flights", str(Path(__file__)), *options])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("empty", "said"), [(0, ""), (1, ", 1 empty line left out"), (2000, ", 2,000 empty lines left out")]
)
def test_empty_lines_are_counted(monkeypatch: pytest.MonkeyPatch, empty: int, said: str) -> None:
    assert _produce(monkeypatch, empty) == f"1,200 records to topic flights{said}\n"
    assert json.loads(_produce(monkeypatch, empty, "-o", "json")) == {
        "topic": "flights",
        "records": 1200,
        "empty_lines": empty,
    }
