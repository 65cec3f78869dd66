"""``headrace topic``: reports what is left out of a file, and which contract a missing topic belongs to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.cluster.kafka.fake import FakeKafka
from headrace.errors import NoTopicError
from headrace.operate import Workspace
from headrace.operate.topic import how_to_create
from headrace.settings import Settings
from tests.cli.remedies import Terminal


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka("dev.")


@pytest.fixture
def terminal(kafka: FakeKafka, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys, Workspace(Settings(), kafka=kafka))


def test_a_topic_is_created_as_its_contract_says(terminal: Terminal, kafka: FakeKafka) -> None:
    code, output = terminal.type("topic create flights")

    topic = kafka.describe("dev.flights")
    assert (code, output) == (0, f"topic dev.flights created: {topic.partitions} partitions, id {topic.id}\n")
    assert terminal.type("topic create flights")[1].startswith("topic dev.flights already exists: ")


def test_a_topic_is_shown_by_partition(terminal: Terminal, kafka: FakeKafka) -> None:
    kafka.create_topic("dev.flights", 2)
    kafka.send("dev.flights", 1200)
    kafka.delete_below("dev.flights", 200)

    code, output = terminal.type("topic show flights -o json")

    assert code == 0
    assert json.loads(output)["partitions"] == [
        {"partition": 0, "from": 200, "to": 1200},
        {"partition": 1, "from": 0, "to": 0},
    ]


@pytest.mark.parametrize(
    ("empty", "left_out"), [(0, ""), (1, ", 1 empty line left out"), (2000, ", 2,000 empty lines left out")]
)
def test_empty_lines_are_counted(
    terminal: Terminal, kafka: FakeKafka, tmp_path: Path, empty: int, left_out: str
) -> None:
    kafka.create_topic("dev.flights", 3)
    file = tmp_path / "flights.jsonl"
    file.write_text("{}\n" * 1200 + "\n" * empty)

    assert terminal.type(f"topic produce flights {file}") == (
        0,
        f"1,200 records to topic dev.flights{left_out}\n",
    )
    assert json.loads(terminal.type(f"topic produce flights {file} -o json")[1]) == {
        "topic": "dev.flights",
        "records": 1200,
        "empty_lines": empty,
    }
    assert sum(kafka.describe("dev.flights").log_end.values()) == 2400


def test_a_missing_topic_is_reported_with_the_contract_that_creates_it(terminal: Terminal) -> None:
    code, output = terminal.type("topic show flights")

    assert code == NoTopicError.exit_code
    assert "→ headrace topic create flights" in output


def test_a_missing_topic_without_a_contract_has_no_remedy(kafka: FakeKafka) -> None:
    workspace = Workspace(Settings(), kafka=kafka)

    assert how_to_create(workspace, "dev.flights") == "headrace topic create flights"
    assert how_to_create(workspace, "flights") == ""
