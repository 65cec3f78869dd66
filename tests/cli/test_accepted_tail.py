"""``publish --accept-tail``: what an operator accepts of a topic that is gone, and undoes."""

from __future__ import annotations

import pytest

from headrace.operate.accept import record_accepted_tail
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, publish_two_batches

REFUSED = "was deleted and created again"


@pytest.fixture
def lake(sealed: Lake) -> Lake:
    """Published to offset 29; checkpoint 4 is staged to offset 34, and 5 to 39. The topic is deleted."""
    publish_two_batches(sealed)
    sealed.seal(1, range(30, 35))
    sealed.seal(1, range(35, 40))
    sealed.kafka.recreate("events")
    return sealed


def run(terminal: Terminal, line: str, expect: int = 0) -> str:
    code, output = terminal.type(line)
    assert code == expect, output
    return " ".join(output.split())


def accept(lake: Lake, checkpoint: int) -> None:
    """Record an acceptance that is not published yet, as if the publisher had died in between."""
    topics_now, staged = lake.publisher().staged_tail()
    record_accepted_tail(lake.ledger, topics_now, staged, checkpoint, "w")


def test_a_tail_whose_acceptance_is_undone_is_refused_again(lake: Lake, terminal: Terminal) -> None:
    accept(lake, 4)
    undone = run(terminal, "publish events --accept-tail 4 --undo --why 'ask first'")
    assert "no longer accepts what is staged up to checkpoint 4" in undone
    assert REFUSED in run(terminal, "publish events", expect=3)
    assert lake.ledger.head().frontier == {0: 30}, "nothing was published"

    run(terminal, "publish events --accept-tail 4 --why 'they are wanted'")
    assert lake.ledger.head().frontier == {0: 35}
    assert REFUSED in run(terminal, "publish events", expect=3), "but not what came after it"


def test_an_acceptance_that_is_already_published_cannot_be_undone(lake: Lake, terminal: Terminal) -> None:
    run(terminal, "publish events --accept-tail 4 --why w")
    before = lake.ledger.decisions()
    late = run(terminal, "publish events --accept-tail 4 --undo --why late", expect=2)
    assert "what was staged up to checkpoint 4 is already published" in late
    assert lake.ledger.decisions() == before
    assert lake.ledger.head().frontier == {0: 35}
    run(terminal, "publish events --accept-tail 5 --why w")
    assert "is already published" in run(terminal, "publish events --accept-tail 5 --undo --why w", expect=2)


def test_only_the_named_acceptance_is_undone(lake: Lake, terminal: Terminal) -> None:
    for checkpoint in (5, 4):
        accept(lake, checkpoint)
    refusal = run(terminal, "publish events --accept-tail 9 --undo --why w", expect=2)
    assert "nothing is accepted up to checkpoint 9; accepted are 4, 5" in refusal
    run(terminal, "publish events --accept-tail 4 --undo --why w")
    run(terminal, "publish events")
    assert lake.ledger.head().frontier == {0: 40}, "the other one stands"
