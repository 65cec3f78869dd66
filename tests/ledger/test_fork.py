"""Where a replay forks from the branch, and what follows that point: also after earlier replays."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.errors import DecisionNeeded, UsageError
from headrace.ledger.branch import followed_claim
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.fork import (
    at_batch,
    at_manifests,
    files_after,
    last_published_replay,
    newest_within,
    swaps,
)
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, DONE, ForkPoint, ReplaceBranch, SetAside
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.ledger.sample_records import done, file, output, swap
from tests.ledger.sample_records import publish as publish_batch


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(connect(Store(warehouse=f"file://{tmp_path}/lake")), "j")


def manifest(checkpoint: int, branch: str) -> str:
    return f"{checkpoint:010d}-{branch * 16}"


def publish(ledger: Ledger, branch: str, first: int, last: int, fork: ForkPoint | None = None) -> int:
    """A batch of the manifests ``first`` to ``last`` of a branch, one file in each."""
    ids = [manifest(c, branch) for c in range(first, last + 1)]
    number = ledger.newest(DONE) + 1
    files = [file(f"{i}.parquet", manifest=i) for i in ids]
    out = {"j": output(ids, files)}
    batch = (
        swap(number, outputs=out, fork=fork, replay=number) if fork else publish_batch(number, outputs=out)
    )
    ledger.put(BATCHES, number, batch)
    ledger.put(
        DONE,
        number,
        done(
            number,
            kind=batch.kind,
            checkpoints=(first, last),
            heads={"j": ids[-1]},
            manifests={"j": tuple(ids)},
            frontier={0: last * 10},
            since=number if fork else ledger.head().since,
            fork=fork,
        ),
    )
    return number


def files(ledger: Ledger, fork: ForkPoint) -> list[str]:
    return [f.path.removesuffix(".parquet") for f in files_after(ledger, fork).get("j", ())]


def at(ledger: Ledger, checkpoint: int, branch: str) -> ForkPoint:
    return at_manifests(ledger, {"j": manifest(checkpoint, branch)})


def test_the_manifests_after_a_fork_point_within_a_batch(ledger: Ledger) -> None:
    publish(ledger, "a", 1, 3)
    publish(ledger, "a", 4, 5)

    assert at(ledger, 2, "a") == ForkPoint(batch=1, manifests={"j": manifest(2, "a")})
    assert files(ledger, at(ledger, 2, "a")) == [manifest(c, "a") for c in (3, 4, 5)]
    assert files(ledger, at(ledger, 3, "a")) == [manifest(c, "a") for c in (4, 5)]
    assert files(ledger, at(ledger, 5, "a")) == []
    assert files(ledger, at_batch(ledger, 0)) == [manifest(c, "a") for c in range(1, 6)]


def test_the_manifests_after_a_published_replay_are_its_own(ledger: Ledger) -> None:
    publish(ledger, "a", 1, 3)
    publish(ledger, "a", 4, 9)
    publish(ledger, "b", 3, 6, fork=at(ledger, 2, "a"))
    publish(ledger, "b", 7, 8)

    assert list(swaps(ledger)) == [3]
    assert files(ledger, at(ledger, 1, "a")) == [manifest(2, "a"), *(manifest(c, "b") for c in range(3, 9))]
    assert files(ledger, at(ledger, 4, "b")) == [manifest(c, "b") for c in range(5, 9)]
    for replaced in (3, 5, 9):
        with pytest.raises(UsageError, match="has replaced it"):
            at(ledger, replaced, "a")


def test_the_manifests_after_a_replay_of_a_replay(ledger: Ledger) -> None:
    publish(ledger, "a", 1, 4)
    publish(ledger, "b", 3, 6, fork=at(ledger, 2, "a"))
    publish(ledger, "c", 2, 9, fork=at(ledger, 1, "a"))

    assert (list(swaps(ledger)), last_published_replay(ledger)) == ([3, 2], 3)
    assert files(ledger, at(ledger, 1, "a")) == [manifest(c, "c") for c in range(2, 10)]
    with pytest.raises(UsageError, match="has replaced it"):
        at(ledger, 2, "a")
    with pytest.raises(UsageError, match="has replaced it"):
        at(ledger, 3, "b")


def test_a_manifest_is_found_on_every_branch_that_was_published(ledger: Ledger) -> None:
    publish(ledger, "a", 1, 3)
    publish(ledger, "a", 4, 9)
    publish(ledger, "b", 3, 6, fork=at(ledger, 2, "a"))

    batches = {(c, b): ledger.published("j", manifest(c, b)) for b in "ab" for c in (1, 3, 4, 6, 9, 10)}
    assert {k: v for k, v in batches.items() if v} == {
        (1, "a"): 1,
        (3, "a"): 1,
        (4, "a"): 2,
        (6, "a"): 2,
        (9, "a"): 2,
        (3, "b"): 3,
        (4, "b"): 3,
        (6, "b"): 3,
    }


def test_an_unpublished_manifest_is_not_a_fork_point_yet(ledger: Ledger) -> None:
    publish(ledger, "a", 1, 3)
    with pytest.raises(DecisionNeeded, match="not published yet") as e:
        at(ledger, 4, "a")
    assert e.value.remedy == "headrace publish j"


def test_a_replay_is_followed_once_it_is_published(ledger: Ledger) -> None:
    live = ledger.record_claim("s1", None, "1.0.0")
    fork = ledger.record_claim("s2", None, "1.0.0", replay=1)
    restarted = ledger.record_claim("s3", None, "1.0.0")

    def follows() -> int:
        chosen = followed_claim(ledger.claims(), StandingDecisions.of(ledger.decisions()))
        assert chosen is not None
        return chosen.number

    assert follows() == restarted.number
    ledger.record_decision(SetAside(why="w", claim=restarted.number, newest_claim=3))
    assert follows() == live.number, "an open replay is not followed, whatever is set aside"
    ledger.record_decision(ReplaceBranch(why="w", replay=1, claim=fork.number, newest_claim=3))
    assert follows() == fork.number
    after = ledger.record_claim("s4", None, "1.0.0")
    assert follows() == after.number, "a newer submission continues from it"


def test_the_newest_batch_within_offsets_is_found_on_every_stretch_of_the_branch(ledger: Ledger) -> None:
    publish(ledger, "a", 1, 1)
    publish(ledger, "a", 2, 3)
    publish(ledger, "a", 4, 5)
    assert [newest_within(ledger, {0: o}) for o in (5, 10, 29, 30, 49, 50, 99)] == [0, 1, 1, 2, 2, 3, 3]
    publish(ledger, "b", 3, 4, fork=at(ledger, 2, "a"))  # within batch 2: that one is no longer whole
    publish(ledger, "b", 5, 9)
    assert [newest_within(ledger, {0: o}) for o in (5, 10, 30, 39, 40, 89, 90)] == [0, 1, 1, 1, 4, 4, 5]
    publish(ledger, "c", 4, 7, fork=at_batch(ledger, 1))
    assert [newest_within(ledger, {0: o}) for o in (5, 10, 40, 69, 70)] == [0, 1, 1, 1, 6]
