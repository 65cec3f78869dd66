"""Which chain is followed, where a fork left it, and how far a batch may reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.errors import DecisionNeeded, LedgerError
from headrace.files import StagedFile
from headrace.ledger.branch import continues_head, followed_claim, restart_is_due
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifest_range import publishable_range, replay_range
from headrace.ledger.manifests import chain
from headrace.ledger.records import (
    DONE,
    Adopt,
    Claim,
    Decision,
    ForkPoint,
    Manifest,
    Restart,
    SetAside,
    UndoDecision,
)
from headrace.ledger.survey import ClaimStatus, survey
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.ledger.sample_records import done


def manifest(name: str, parent: str | None, claim: int, output: str = "t", files: int = 1) -> Manifest:
    """``name`` is ``<checkpoint>`` or ``<checkpoint>b`` for another branch."""
    checkpoint = int(name.rstrip("abc"))
    return Manifest(
        id=_id(name),
        parent=_id(parent) if parent else None,
        checkpoint=checkpoint,
        output=output,
        claim=claim,
        submission=f"s{claim}",
        contract_version="1.0.0",
        files=tuple(StagedFile(path=f"_staged/s{claim}/d=1/{name}-{i}", size=1) for i in range(files)),
    )


def _id(name: str) -> str:
    return f"{int(name.rstrip('abc')):010d}-{name}"


def by_id(*manifests: Manifest) -> dict[str, Manifest]:
    return {m.id: m for m in manifests}


def claims(n: int) -> list[Claim]:
    return [
        Claim(number=i, submission=f"s{i}", restored_from=None, contract_version="1.0.0", at="")
        for i in range(1, n + 1)
    ]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(connect(Store(warehouse=f"file://{tmp_path}/lake")), "t")


def published(ledger: Ledger, *names: str) -> Head:
    """Batches of one manifest each, of claim 1."""
    for n, name in enumerate(names, 1):
        checkpoint = int(name.rstrip("abc"))
        record = done(
            n, checkpoints=(checkpoint, checkpoint), heads={"t": _id(name)}, manifests={"t": (_id(name),)}
        )
        assert ledger.put(DONE, n, record)
    return ledger.head()


def publishable_ids(
    ledger: Ledger, head: Head, staged: dict[str, dict[str, Manifest]], claim: int
) -> list[str] | None:
    manifest_range = publishable_range(ledger, head, staged, claims(claim)[-1])
    return [m.id.split("-")[1] for m in manifest_range.manifests["t"]] if manifest_range else None


def test_a_replay_begins_at_its_fork_point_and_nowhere_else(ledger: Ledger) -> None:
    published(ledger, "1", "2")
    ledger.record_claim("s1", None, "1.0.0")
    claim = ledger.record_claim("s2", None, "1.0.0", replay=1).number
    fork = ForkPoint(batch=1, manifests={"t": _id("1")})
    assert replay_range(ledger, fork, {"t": {}}, 1) == (None, None)
    right = by_id(manifest("3", "1", claim), manifest("4", "3", claim))
    _, sealed = replay_range(ledger, fork, {"t": right}, 1)
    assert sealed is not None
    assert sealed.checkpoints == (3, 4)
    with pytest.raises(LedgerError, match="does not begin at its fork point"):
        replay_range(ledger, fork, {"t": by_id(manifest("3", "2", claim))}, 1)


def test_a_restart_at_the_frontier_continues_from_the_head_of_its_decision(ledger: Ledger) -> None:
    head = published(ledger, "1", "2")
    ledger.record_claim("s1", None, "1.0.0")
    second = ledger.record_claim("s2", None, "1.0.0", begins_after=head.manifests)
    staged = {"t": by_id(manifest("3", None, 2), manifest("4", "3", 2))}
    manifest_range = publishable_range(ledger, head, staged, second)
    assert manifest_range
    assert manifest_range.checkpoints == (3, 4)
    assert continues_head(ledger, head, staged, 2)
    third = ledger.record_claim("s3", "its checkpoint", "1.0.0")
    staged["t"] |= by_id(manifest("5", "4", 3))
    assert publishable_range(ledger, head, staged, third), (
        "a claim that continues from it continues from the head too"
    )
    assert [b.state for b in survey(ledger, head, staged)] == ["head", "ahead", "ahead"]


@pytest.mark.parametrize("begins_after", [None, {"t": "0000000001-1"}, {}])
def test_a_chain_without_parent_beside_another_head_is_a_fork(
    ledger: Ledger, begins_after: dict[str, str] | None
) -> None:
    head = published(ledger, "1", "2")
    ledger.record_claim("s1", None, "1.0.0")
    second = ledger.record_claim("s2", None, "1.0.0", begins_after=begins_after)
    staged = {"t": by_id(manifest("3", None, 2))}
    with pytest.raises(DecisionNeeded, match="forked from the very beginning"):
        publishable_range(ledger, head, staged, second)
    assert not continues_head(ledger, head, staged, 2)


def test_a_restart_is_due_until_a_later_claim_has_sealed(ledger: Ledger) -> None:
    published(ledger, "1")
    assert not restart_is_due(ledger, {"t": {}}), "no restart was decided"
    ledger.record_decision(Restart(why="lost", newest_claim=1))
    assert restart_is_due(ledger, {"t": {}})
    assert restart_is_due(ledger, {"t": by_id(manifest("2", "1", 1))})
    assert not restart_is_due(ledger, {"t": by_id(manifest("2", None, 2))})


def test_a_chain_is_walked_back_to_the_head() -> None:
    staged = by_id(manifest("3", "2", 1), manifest("4", "3", 1), manifest("5", "4", 2))
    walked, parent = chain(staged, _id("5"), _id("2"))
    assert [m.checkpoint for m in walked] == [3, 4, 5]
    assert parent == _id("2")


def test_a_cycle_in_a_chain_is_an_error() -> None:
    with pytest.raises(LedgerError, match="has a cycle"):
        chain(by_id(manifest("3", "4", 1), manifest("4", "3", 1)), _id("4"), None)


def test_the_first_batch_begins_without_parent(ledger: Ledger) -> None:
    assert publishable_ids(
        ledger, Head(), {"t": by_id(manifest("1", None, 1), manifest("2", "1", 1))}, 1
    ) == ["1", "2"]


def test_a_continuing_submission_also_takes_the_old_ones_unpublished_manifests(ledger: Ledger) -> None:
    head = published(ledger, "1", "2")
    staged = {"t": by_id(manifest("3", "2", 1), manifest("4", "3", 2))}
    assert publishable_ids(ledger, head, staged, 2) == ["3", "4"]


def test_the_claim_is_awaited_before_anything_of_the_old_one_is_published(ledger: Ledger) -> None:
    head = published(ledger, "1", "2")
    assert publishable_ids(ledger, head, {"t": by_id(manifest("3", "2", 1))}, 2) is None


def test_a_zombies_later_manifests_are_left(ledger: Ledger) -> None:
    head = published(ledger, "1", "2")
    staged = {"t": by_id(manifest("3", "2", 1), manifest("4", "3", 1), manifest("3b", "2", 2))}
    assert publishable_ids(ledger, head, staged, 2) == ["3b"]


def test_a_fork_before_the_head_is_refused_with_its_point_and_range(ledger: Ledger) -> None:
    head = published(ledger, "1", "2", "3")
    staged = {"t": by_id(manifest("2b", "1", 2), manifest("3b", "2b", 2))}
    with pytest.raises(DecisionNeeded, match="checkpoints 2 to 3") as e:
        publishable_ids(ledger, head, staged, 2)
    assert e.value.facts["fork_point"] == _id("1")
    assert "set-aside t 2" in e.value.remedy


def test_a_chain_that_starts_over_beside_a_published_one_is_refused(ledger: Ledger) -> None:
    head = published(ledger, "1", "2")
    with pytest.raises(DecisionNeeded, match="very beginning"):
        publishable_ids(ledger, head, {"t": by_id(manifest("1b", None, 2))}, 2)


def test_a_gap_in_the_chain_is_an_error(ledger: Ledger) -> None:
    head = published(ledger, "1", "2")
    with pytest.raises(LedgerError, match="neither staged nor published"):
        publishable_ids(ledger, head, {"t": by_id(manifest("5", "4", 1))}, 1)


def test_a_batch_ends_where_every_output_has_sealed(ledger: Ledger) -> None:
    staged = {
        "t": by_id(manifest("1", None, 1), manifest("2", "1", 1), manifest("3", "2", 1)),
        "q": by_id(manifest("1", None, 1, "q"), manifest("2", "1", 1, "q")),
    }
    assert publishable_ids(ledger, Head(), staged, 1) == ["1", "2"]


def test_an_output_that_has_not_sealed_holds_the_batch_back(ledger: Ledger) -> None:
    assert publishable_ids(ledger, Head(), {"t": by_id(manifest("1", None, 1)), "q": {}}, 1) is None


def set_aside(claim: int) -> Decision:
    return SetAside(why="w", claim=claim, newest_claim=3)


def adopt(claim: int, newest_claim: int) -> Decision:
    return Adopt(why="w", claim=claim, newest_claim=newest_claim)


def undo(number: int) -> Decision:
    return UndoDecision(why="w", undoes=number)


def standing(*decisions: Decision) -> StandingDecisions:
    return StandingDecisions.of(d.model_copy(update={"number": n}) for n, d in enumerate(decisions, 1))


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        ((), 3),
        ((set_aside(3),), 2),
        ((set_aside(3), undo(1)), 3),
        (
            (
                set_aside(3),
                set_aside(3),
                undo(2),
            ),
            3,
        ),
        ((adopt(1, 3),), 1),
        ((adopt(1, 2),), 3),
        ((adopt(1, 3), undo(1)), 3),
        ((adopt(1, 3), set_aside(1)), 3),
    ],
)
def test_the_newest_claim_is_followed_unless_an_operator_decided(
    decided: tuple[Decision, ...], expected: int
) -> None:
    followed = followed_claim(claims(3), standing(*decided))
    assert followed is not None
    assert followed.number == expected


def test_nothing_is_followed_when_all_is_set_aside() -> None:
    assert followed_claim(claims(1), standing(set_aside(1))) is None


def look(ledger: Ledger, head: Head, staged: dict[str, dict[str, Manifest]]) -> dict[int, ClaimStatus]:
    return {b.claim.number: b for b in survey(ledger, head, staged)}


def test_the_survey_names_the_fork_and_keeps_the_followed_branch(ledger: Ledger) -> None:
    head = published(ledger, "1", "2", "3")
    for n in (1, 2):
        ledger.record_claim(f"s{n}", None, "1.0.0")
    ledger.record_decision(SetAside(why="test", claim=2, newest_claim=2))
    statuses = look(
        ledger, head, {"t": by_id(manifest("4", "3", 1), manifest("2b", "1", 2), manifest("3b", "2b", 2))}
    )
    assert (statuses[1].state, statuses[1].followed, statuses[1].forks_at) == ("ahead", True, {})
    assert (statuses[2].state, statuses[2].followed) == ("set aside", False)
    assert statuses[2].forks_at == {"t": _id("1")}
    assert statuses[2].checkpoints == (2, 3)


def test_the_survey_calls_a_zombie_a_fork_at_the_place_where_the_new_submission_left_it(
    ledger: Ledger,
) -> None:
    head = published(ledger, "1", "2")
    for n in (1, 2):
        ledger.record_claim(f"s{n}", None, "1.0.0")
    staged = {"t": by_id(manifest("3", "2", 1), manifest("4", "3", 1), manifest("3b", "2", 2))}
    statuses = look(ledger, head, staged)
    assert (statuses[2].state, statuses[2].followed) == ("ahead", True)
    assert (statuses[1].state, statuses[1].forks_at) == ("fork", {"t": _id("2")})


def test_after_a_restart_nothing_is_called_a_fork_while_the_new_claim_is_awaited(ledger: Ledger) -> None:
    head = published(ledger, "1", "2")
    for n in (1, 2):
        ledger.record_claim(f"s{n}", None, "1.0.0")
    staged = {"t": by_id(manifest("2", "1", 1), manifest("3", "2", 1))}  # 2: committed again by the restore
    statuses = look(ledger, head, staged)
    assert (statuses[1].state, statuses[1].forks_at) == ("ahead", {})
    assert (statuses[2].state, statuses[2].followed) == ("waiting", True)
