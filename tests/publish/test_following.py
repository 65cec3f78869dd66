"""The cost of following a ledger: requests to the store in one look, in a young ledger and in an old one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from headrace.contract.load import load
from headrace.ledger.records import CLAIMS, AcceptLoss, SetAside, UndoDecision
from headrace.offsets import Span
from headrace.publish.publisher import Publisher
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect
from tests.publish.sealed_lake import CONTRACT, Lake, publish_two_batches

PAGE = 1000
"""Keys in one page of an S3 listing."""


@dataclass(frozen=True)
class Counted(Warehouse):
    """A warehouse that records each request to its store."""

    requests: list[str] = field(default_factory=list)

    def put_new(self, key: str, record: bytes) -> bool:
        self.requests.append(f"put {key}")
        return super().put_new(key, record)

    def read(self, key: str) -> bytes:
        self.requests.append(f"get {key}")
        return super().read(key)

    def has(self, key: str) -> bool:
        self.requests.append(f"head {key}")
        return super().has(key)

    def keys(self, prefix: str, after: str | None = None) -> Iterator[str]:
        listed = list(super().keys(prefix, after))
        self.requests.extend(f"list {prefix}" for _ in range(0, len(listed) + 1, PAGE))
        return iter(listed)

    def delete(self, key: str) -> None:
        self.requests.append(f"delete {key}")
        super().delete(key)

    def counted(self, publisher: Publisher, batches: int) -> int:
        """The requests of one look, which publishes this many batches."""
        self.requests.clear()
        assert publisher.publish().batches == batches
        return len(self.requests)


def test_following_an_old_ledger_costs_no_more_than_a_young_one(tmp_path: Path) -> None:
    young, old = (_looks(tmp_path / str(size), size) for size in (1, 500))
    assert young == old
    assert max(young["idle"], young["idle, after a replay"]) <= 12
    assert max(young.values()) <= 30


def _looks(place: Path, size: int) -> dict[str, int]:
    """The requests of each kind of look, with this many claims and decisions that need nothing more."""
    warehouse = Counted(**vars(connect(Store(warehouse=f"file://{place}"))))
    lake = Lake(warehouse, load(CONTRACT))
    anchor = publish_two_batches(lake)
    for _ in range(size):
        lake.ledger.record_decision(
            SetAside(why="a fork", claim=(fork := lake.submit()), newest_claim=lake.ledger.newest(CLAIMS))
        )
        lake.seal(fork, range(10))
        loss = lake.ledger.record_decision(AcceptLoss(why="retention", spans=(Span.parse(f"0:{fork}"),)))
        lake.ledger.record_decision(UndoDecision(why="a slip", undoes=loss))

    follower, requests = lake.publisher(), {}
    follower.publish()
    requests["idle"] = warehouse.counted(follower, 0)
    lake.seal(1, range(30, 35))
    requests["a batch"] = warehouse.counted(follower, 1)
    requests["idle, after a batch"] = warehouse.counted(follower, 0)

    number, fork = lake.replay(anchor)
    lake.seal(fork, range(10, 35))
    lake.replace(number)
    requests["a replay"] = warehouse.counted(follower, 0)
    requests["idle, after a replay"] = warehouse.counted(follower, 0)
    lake.seal(fork, range(35, 40))
    requests["a batch, after a replay"] = warehouse.counted(follower, 1)
    return requests
