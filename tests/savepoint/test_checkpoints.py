"""Where a new submission goes on: what `_metadata` files tell, and which of them is on the branch."""

from __future__ import annotations

import struct
from pathlib import Path

import obstore
import pytest

from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Restart, SetAside
from headrace.ledger.restore import newest_on_branch
from headrace.savepoint.metadata import MAGIC
from headrace.savepoint.retained import read_checkpoint
from headrace.settings import Store
from headrace.storage.warehouse import Warehouse, connect


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return connect(Store(warehouse=f"file://{tmp_path}/lake"))


def put(warehouse: Warehouse, folder: str, number: int, submission: str) -> str:
    """A `_metadata` as Flink writes it: header, then state with our mark somewhere in it."""
    sealed = f"headrace-sealed|flights|flights|{submission}|{number:010d}-{'ab' * 8}".encode()
    key = f"{folder}/_metadata"
    obstore.put(
        warehouse.objects, key, struct.pack(">iiq", MAGIC, 6, number) + b"\x00\x07" + sealed + b"\x01"
    )
    return f"{warehouse.uri}/{folder}"


def test_a_savepoint_tells_whose_it_is(warehouse: Warehouse) -> None:
    put(warehouse, "anywhere/savepoint-1", 7, "s1")
    found = read_checkpoint(warehouse, "anywhere/savepoint-1/_metadata")
    assert found
    assert (found.number, found.submission) == (7, "s1")
    assert found.manifests == (("flights", f"0000000007-{'ab' * 8}"),)


@pytest.mark.parametrize(
    "raw", [b"", b"short", struct.pack(">iiq", 1, 6, 7), struct.pack(">iiq", MAGIC, 6, 7)]
)
def test_what_is_no_checkpoint_of_ours_is_none(warehouse: Warehouse, raw: bytes) -> None:
    obstore.put(warehouse.objects, "x/_metadata", raw)
    assert read_checkpoint(warehouse, "x/_metadata") is None
    assert read_checkpoint(warehouse, "gone/_metadata") is None


def test_the_newest_of_the_followed_claim_wins_wherever_it_lies(warehouse: Warehouse) -> None:
    ledger = Ledger(warehouse, "flights")
    ledger.record_claim("s1", None, "1.0.0")
    put(warehouse, "_flink/flights/s1/checkpoints/j/chk-4", 4, "s1")
    saved = put(warehouse, "_flink/savepoints/savepoint-9", 9, "s1")
    put(warehouse, "_flink/savepoints/savepoint-x", 11, "another")
    found = newest_on_branch(warehouse, ledger)
    assert found
    assert found.path == saved


def test_a_claim_that_never_reached_a_checkpoint_leads_to_the_one_before(warehouse: Warehouse) -> None:
    ledger = Ledger(warehouse, "flights")
    ledger.record_claim("s1", None, "1.0.0")
    saved = put(warehouse, "_flink/flights/savepoints/savepoint-9", 9, "s1")
    ledger.record_claim("s2", saved, "1.0.0")
    found = newest_on_branch(warehouse, ledger)
    assert found
    assert found.path == saved


def test_a_restart_leaves_older_checkpoints_alone_until_it_has_its_own(warehouse: Warehouse) -> None:
    ledger = Ledger(warehouse, "flights")
    ledger.record_claim("s1", None, "1.0.0")
    put(warehouse, "_flink/flights/s1/checkpoints/j/chk-4", 4, "s1")
    ledger.record_decision(Restart(why="damaged", newest_claim=1))
    assert newest_on_branch(warehouse, ledger) is None
    ledger.record_claim("s2", None, "1.0.0")
    assert newest_on_branch(warehouse, ledger) is None
    own = put(warehouse, "_flink/flights/s2/checkpoints/j/chk-1", 5, "s2")
    found = newest_on_branch(warehouse, ledger)
    assert found
    assert (found.path, found.number) == (own, 5)


def test_what_was_set_aside_is_not_resumed(warehouse: Warehouse) -> None:
    ledger = Ledger(warehouse, "flights")
    ledger.record_claim("s1", None, "1.0.0")
    mine = put(warehouse, "_flink/flights/s1/checkpoints/j/chk-4", 4, "s1")
    ledger.record_claim("s2", mine, "1.0.0")
    put(warehouse, "_flink/flights/s2/checkpoints/j/chk-6", 6, "s2")
    ledger.record_decision(SetAside(why="wrong", claim=2, newest_claim=2))
    found = newest_on_branch(warehouse, ledger)
    assert found
    assert found.path == mine
