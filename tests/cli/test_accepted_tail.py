"""``publish --accept-tail``: what a person accepts of a topic that is gone, and undoes."""

from __future__ import annotations

import pytest

from headrace.operate.accept import record_accepted_tail
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, begun

REFUSED = "was deleted and created again"


@pytest.fixture
def lake(sealed: Lake) -> Lake:
    """Published to offset 29; checkpoint 4 is staged to offset 34, and 5 to 39. Then the topic went."""
    begun(sealed)
    sealed.seal(1, range(30, 35))
    sealed.seal(1, range(35, 40))
    sealed.kafka.recreate("events")
    return sealed


def said(terminal: Terminal, line: str, expect: int = 0) -> str:
    code, text = terminal.type(line)
    assert code == expect, text
    return " ".join(text.split())


def accept(lake: Lake, checkpoint: int) -> None:
    """Decided, and not yet published: as where the publisher dies in between."""
    found, staged = lake.publisher().staged_tail()
    record_accepted_tail(lake.ledger, found, staged, checkpoint, "w")


def test_what_is_taken_back_is_refused_again(lake: Lake, terminal: Terminal) -> None:
    accept(lake, 4)
    undone = said(terminal, "publish events --accept-tail 4 --undo --why 'ask first'")
    assert "no longer accepts what is staged up to checkpoint 4" in undone
    assert REFUSED in said(terminal, "publish events", expect=3)
    assert lake.ledger.head().frontier == {0: 30}, "nothing was published"

    said(terminal, "publish events --accept-tail 4 --why 'they are wanted'")
    assert lake.ledger.head().frontier == {0: 35}
    assert REFUSED in said(terminal, "publish events", expect=3), "and not what came after it"


def test_what_is_published_stays_and_it_says_so(lake: Lake, terminal: Terminal) -> None:
    said(terminal, "publish events --accept-tail 4 --why w")
    before = lake.ledger.decisions()
    late = said(terminal, "publish events --accept-tail 4 --undo --why late", expect=2)
    assert "what was staged up to checkpoint 4 is already published" in late
    assert lake.ledger.decisions() == before
    assert lake.ledger.head().frontier == {0: 35}
    said(terminal, "publish events --accept-tail 5 --why w")
    assert "is already published" in said(terminal, "publish events --accept-tail 5 --undo --why w", expect=2)


def test_only_what_is_named_is_taken_back(lake: Lake, terminal: Terminal) -> None:
    for checkpoint in (5, 4):
        accept(lake, checkpoint)
    nothing = said(terminal, "publish events --accept-tail 9 --undo --why w", expect=2)
    assert "nothing is accepted up to checkpoint 9; accepted are 4, 5" in nothing
    said(terminal, "publish events --accept-tail 4 --undo --why w")
    said(terminal, "publish events")
    assert lake.ledger.head().frontier == {0: 40}, "the other one stands"
