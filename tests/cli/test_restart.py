"""``branch restart``: refused if the topic was recreated, because the next start could not continue in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headrace.cluster.kafka.fake import FakeKafka
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, publish_two_batches

RESTART = "branch restart events --why 'the bucket lost them'"
Type = Callable[..., str]


@pytest.fixture
def lake(sealed: Lake) -> Lake:
    """Offsets 0 to 29 are published."""
    publish_two_batches(sealed)
    return sealed


@pytest.fixture
def run(terminal: Terminal) -> Type:
    """Returns a function that types a command, expects its exit code, and returns its output."""

    def type_in(line: str, expect: int = 0) -> str:
        code, output = terminal.type(line)
        assert code == expect, output
        return " ".join(output.split())

    return type_in


@pytest.mark.parametrize(
    ("change", "reason"),
    [(FakeKafka.recreate, "was deleted and created again"), (FakeKafka.delete, "is gone")],
)
def test_a_restart_is_refused_on_another_topic(
    lake: Lake, run: Type, change: Callable[[FakeKafka, str], object], reason: str
) -> None:
    change(lake.kafka, "events")
    output = run(RESTART, expect=3)
    assert f"topic events {reason}" in output
    assert "The next start cannot continue in it" in output
    assert "give the new topic a contract and a table of its own" in output
    assert lake.ledger.decisions() == []


def test_a_restart_on_the_same_topic_continues_from_the_frontier(lake: Lake, run: Type) -> None:
    assert "the next start continues from 0:30" in run(RESTART)
    assert [d.action for d in lake.ledger.decisions()] == ["restart"]


def test_an_earlier_restart_decision_can_be_undone(lake: Lake, run: Type) -> None:
    run(RESTART)
    lake.kafka.recreate("events")
    run(RESTART, expect=3)
    assert "no longer restarts" in run(f"{RESTART} --undo")
    assert [d.action for d in lake.ledger.decisions()] == ["restart", "undo"]


def test_a_restart_is_recorded_when_kafka_does_not_answer(lake: Lake, run: Type) -> None:
    lake.kafka.recreate("events")
    lake.kafka.silent = True
    run(RESTART)
    assert [d.action for d in lake.ledger.decisions()] == ["restart"]
