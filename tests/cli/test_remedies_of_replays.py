"""Commands that a message names contain the offsets, anchors, losses and tables that it is about."""

from __future__ import annotations

import obstore
import pytest

from headrace.ledger import anchors, patches, replays
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, publish_two_batches
from tests.savepoint.flink_metadata import metadata


@pytest.fixture
def lake(sealed: Lake) -> Lake:
    """Offsets 0 to 29 are published, in two batches; Kafka still has them all."""
    anchor = publish_two_batches(sealed)
    place = "_flink/events/savepoints/savepoint-1"
    obstore.put(
        sealed.warehouse.objects,
        f"{place}/_metadata",
        metadata("events", "s1", anchor, {"events": {0: 10}}),
    )
    path, topics = f"{sealed.warehouse.uri}/{place}", {"events": "events"}
    anchors.record_savepoint(
        sealed.warehouse, sealed.ledger, path, topics, flink="2.3.0", why="", adopted=False
    )
    return sealed


def aborted_replay(terminal: Terminal, begins: str) -> str:
    """Abort a replay; returns the message that refuses to run it."""
    assert terminal.type(f"replay plan events {begins} --why w")[0] == 0
    assert terminal.type("replay abort events 1 --why w")[0] == 0
    output = terminal.refused("replay run events 1")
    assert "replay 1 is aborted" in output
    return output


def test_an_aborted_replay_names_another_one_from_its_anchor(lake: Lake, terminal: Terminal) -> None:
    output = aborted_replay(terminal, "--from 1")

    terminal.follow(output, "ledger/replays.py: replay plan □ --from □ --why TEXT")

    assert replays.one(lake.ledger, 2).anchor == 1


def test_an_aborted_replay_names_another_one_from_its_offsets(lake: Lake, terminal: Terminal) -> None:
    output = aborted_replay(terminal, "--from-offsets 0:25")

    terminal.follow(output, "ledger/replays.py: replay plan □ --from-offsets □ --why TEXT")

    assert replays.one(lake.ledger, 2).frontier == replays.one(lake.ledger, 1).frontier == {0: 20}


@pytest.fixture
def too_far(lake: Lake, terminal: Terminal) -> str:  # noqa: ARG001 - it is filled
    """The message that refuses a replay that would end after the frontier."""
    output = terminal.refused("replay plan events --from-offsets 0:15 --to-offsets 0:35 --why w")
    assert "partition 0 is published up to 30" in output
    return output


def test_a_replay_may_end_at_the_frontier(lake: Lake, too_far: str, terminal: Terminal) -> None:
    terminal.follow(too_far, "replay/bounded.py: replay plan □ --from-offsets □ --to-offsets □ --why TEXT")

    request = patches.one(lake.ledger, 1)
    assert (request.first, request.end) == ({0: 15}, {0: 30})


def test_a_replay_without_an_end_is_planned(lake: Lake, too_far: str, terminal: Terminal) -> None:
    terminal.follow(too_far, "replay/bounded.py: replay plan □ --from-offsets □ --why TEXT")

    assert replays.one(lake.ledger, 1).frontier == {0: 0}


def test_records_whose_patch_was_replaced_are_judged_again(lake: Lake, terminal: Terminal) -> None:
    lake.patcher().publish(lake.judge(patches.REDRIVE, good=range(26, 28)))
    anchor = anchors.one(lake.ledger, 1)
    number, claim = lake.replay(anchor.manifests)
    lake.seal(claim, range(10, 30))
    lake.replace(number)
    output = terminal.refused("patch rollback events 1 --why w")
    assert "replay 1 has published other rows for 2 of its 2 records" in output

    terminal.follow(
        output, "publish/patch_checks.py: replay plan □ --from-offsets □ --to-offsets □ --why TEXT"
    )

    request = patches.one(lake.ledger, 2)
    assert (request.first, request.end) == ({0: 26}, {0: 28})


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("sql", ["DELETE FROM events__quarantine", "VACUUM"])
def test_a_statement_other_than_select_is_answered_with_an_example(sql: str, terminal: Terminal) -> None:
    output = terminal.refused(f"query '{sql}'")
    assert "only one SELECT can be run" in output

    answer = terminal.follow(output, 'read/query.py: query "SELECT')

    assert ("payload" in answer) == ("quarantine" in sql)


@pytest.fixture
def lost(lake: Lake) -> Lake:
    """Kafka deleted offsets 30 to 34 before they were read."""
    lake.seal(1, range(35, 40))
    lake.kafka.delete_below("events", 35)
    return lake


def test_a_loss_is_accepted_with_a_reason(lost: Lake, terminal: Terminal) -> None:
    output = terminal.refused("publish events --accept-loss 0:30-34")
    assert "this needs a reason" in output

    terminal.type("publish events --accept-loss 0:30-34 --why w")

    assert lost.ledger.head().frontier == {0: 40}


@pytest.mark.usefixtures("lost")
def test_a_loss_is_named_by_publish(terminal: Terminal) -> None:
    output = terminal.refused("publish events --accept-loss 30-34 --why w")
    assert "'30-34' is not P:FROM-TO" in output

    answer = terminal.follow(output, "cli/publish.py: publish □", exits=3)

    assert "--accept-loss 0:30-34" in answer
