"""``branch restart``: refused in a topic that is another one now, where the next start could not read on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headrace.cluster.kafka.fake import FakeKafka
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, begun

RESTART = "branch restart events --why 'the bucket lost them'"
Type = Callable[..., str]


@pytest.fixture
def lake(sealed: Lake) -> Lake:
    """Offsets 0 to 29 are published."""
    begun(sealed)
    return sealed


@pytest.fixture
def told(terminal: Terminal) -> Type:
    """Type a command, expect its exit code, and give what it says."""

    def type_in(line: str, expect: int = 0) -> str:
        code, said = terminal.type(line)
        assert code == expect, said
        return " ".join(said.split())

    return type_in


@pytest.mark.parametrize(
    ("change", "says"), [(FakeKafka.recreate, "was deleted and created again"), (FakeKafka.delete, "is gone")]
)
def test_in_another_topic_nothing_is_decided(
    lake: Lake, told: Type, change: Callable[[FakeKafka, str], object], says: str
) -> None:
    change(lake.kafka, "events")
    said = told(RESTART, expect=3)
    assert f"topic events {says}" in said
    assert "The next start cannot continue in it" in said
    assert "give the new topic a contract and a table of its own" in said
    assert lake.ledger.decisions() == []


def test_in_the_same_topic_the_next_start_reads_on(lake: Lake, told: Type) -> None:
    assert "the next start continues from 0:30" in told(RESTART)
    assert [d.action for d in lake.ledger.decisions()] == ["restart"]


def test_what_was_decided_before_can_be_taken_back(lake: Lake, told: Type) -> None:
    told(RESTART)
    lake.kafka.recreate("events")
    told(RESTART, expect=3)
    assert "no longer restarts" in told(f"{RESTART} --undo")
    assert [d.action for d in lake.ledger.decisions()] == ["restart", "undo"]


def test_where_kafka_does_not_answer_it_is_decided_and_run_asks_again(lake: Lake, told: Type) -> None:
    lake.kafka.recreate("events")
    lake.kafka.silent = True
    told(RESTART)
    assert [d.action for d in lake.ledger.decisions()] == ["restart"]
