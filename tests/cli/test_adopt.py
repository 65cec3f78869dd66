"""``branch adopt``: an older claim that continues from the head may be followed instead of the newest one."""

from __future__ import annotations

import pytest

from headrace.errors import DecisionNeeded
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, by, publish_two_batches

PUBLISHED = by(1, range(25)) + by("bad", range(25, 30))
"""What :func:`publish_two_batches` publishes."""


@pytest.mark.parametrize("has_sealed", [True, False], ids=["it has sealed", "it has not"])
def test_the_older_of_two_live_submissions_is_adopted_and_left_again(
    sealed: Lake, terminal: Terminal, has_sealed: bool
) -> None:
    lake = sealed
    publish_two_batches(lake)
    newer = lake.submit(goes_on=1)
    if has_sealed:
        lake.seal(newer, range(0))
    lake.seal(1, range(30, 40))
    assert lake.publish().batches == 0, "the newest claim is followed, or awaited"
    assert lake.rows() == PUBLISHED

    assert terminal.type("branch adopt events 1 --why 'the second start was a mistake'")[0] == 0
    lake.publish()
    adopted = PUBLISHED + by(1, range(30, 40))
    assert lake.rows() == adopted

    assert terminal.type("branch adopt events 1 --undo --why 'no longer'")[0] == 0
    if not has_sealed:
        assert lake.publish().waiting_for == newer
        lake.seal(newer, range(30, 40))
    with pytest.raises(DecisionNeeded, match="forked"):
        lake.publish()  # its chain left the branch where the first one's was published
    assert lake.rows() == adopted


def test_a_fork_cannot_be_adopted(sealed: Lake, terminal: Terminal) -> None:
    lake = sealed
    anchor = publish_two_batches(lake)
    fork = lake.submit()
    lake.newest[fork] = 1, anchor["events"]
    lake.seal(fork, range(10, 30))
    code, output = terminal.type(f"branch adopt events {fork} --why try")
    assert code == 3
    assert "repeat published rows" in " ".join(output.split())
    assert lake.ledger.decisions() == []
