"""``headrace topic produce``: what is left out of a file is told, to people and to machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from cli.remedies import Terminal
from typer.testing import CliRunner

from headrace.cli import topic
from headrace.cluster import kafka
from headrace.errors import NoTopicError


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


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("flights", "headrace topic create flights"), ("nonesuch", "create it, or correct the contract")],
)
def test_a_topic_that_is_not_there_names_the_contract_to_create_it_by(
    name: str, remedy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kafka, "describe", _not_there(f"dev.{name}"))
    monkeypatch.setenv("HEADRACE__KAFKA__TOPIC_PREFIX", "dev.")

    code, said = Terminal(capsys).type("topic show flights")

    assert code == NoTopicError.exit_code
    assert f"→ {remedy}" in said


def _not_there(name: str) -> Callable[..., kafka.TopicInfo]:
    def describe(*_: str) -> kafka.TopicInfo:
        raise NoTopicError(name, where=f"topic {name}")

    return describe
