"""Where a new submission continues: what `_metadata` files record, and which of them is on the branch."""

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
    """A `_metadata` as Flink writes it: header, then state with headrace's mark somewhere in it."""
    sealed = f"headrace-sealed|flights|flights|{submission}|{number:010d}-{'ab' * 8}".encode()
    key = f"{folder}/_metadata"
    obstore.put(
        warehouse.objects, key, struct.pack(">iiq", MAGIC, 6, number) + b"\x00\x07" + sealed + b"\x01"
    )
    return f"{warehouse.uri}/{folder}"


def test_a_savepoint_names_its_submission(warehouse: Warehouse) -> None:
    put(warehouse, "anywhere/savepoint-1", 7, "s1")
    checkpoint = read_checkpoint(warehouse, "anywhere/savepoint-1/_metadata")
    assert checkpoint
    assert (checkpoint.number, checkpoint.submission) == (7, "s1")
    assert checkpoint.manifests == (("flights", f"0000000007-{'ab' * 8}"),)


@pytest.mark.parametrize(
    "raw", [b"", b"short", struct.pack(">iiq", 1, 6, 7), struct.pack(">iiq", MAGIC, 6, 7)]
)
def test_foreign_files_are_not_checkpoints(warehouse: Warehouse, raw: bytes) -> None:
    obstore.put(warehouse.objects, "x/_metadata", raw)
    assert read_checkpoint(warehouse, "x/_metadata") is None
    assert read_checkpoint(warehouse, "gone/_metadata") is None


def test_the_newest_checkpoint_of_the_followed_claim_is_used_from_any_folder(warehouse: Warehouse) -> None:
    ledger = Ledger(warehouse, "flights")
    ledger.record_claim("s1", None, "1.0.0")
    put(warehouse, "_flink/flights/s1/checkpoints/j/chk-4", 4, "s1")
    saved = put(warehouse, "_flink/savepoints/savepoint-9", 9, "s1")
    put(warehouse, "_flink/savepoints/savepoint-x", 11, "another")
    checkpoint = newest_on_branch(warehouse, ledger)
    assert checkpoint
    assert checkpoint.path == saved


def test_a_claim_without_a_checkpoint_leads_to_the_one_before(warehouse: Warehouse) -> None:
    ledger = Ledger(warehouse, "flights")
    ledger.record_claim("s1", None, "1.0.0")
    saved = put(warehouse, "_flink/flights/savepoints/savepoint-9", 9, "s1")
    ledger.record_claim("s2", saved, "1.0.0")
    checkpoint = newest_on_branch(warehouse, ledger)
    assert checkpoint
    assert checkpoint.path == saved


def test_a_restart_leaves_older_checkpoints_alone_until_it_has_its_own(warehouse: Warehouse) -> None:
    ledger = Ledger(warehouse, "flights")
    ledger.record_claim("s1", None, "1.0.0")
    put(warehouse, "_flink/flights/s1/checkpoints/j/chk-4", 4, "s1")
    ledger.record_decision(Restart(why="damaged", newest_claim=1))
    assert newest_on_branch(warehouse, ledger) is None
    ledger.record_claim("s2", None, "1.0.0")
    assert newest_on_branch(warehouse, ledger) is None
    own = put(warehouse, "_flink/flights/s2/checkpoints/j/chk-1", 5, "s2")
    checkpoint = newest_on_branch(warehouse, ledger)
    assert checkpoint
    assert (checkpoint.path, checkpoint.number) == (own, 5)


def test_a_claim_that_is_set_aside_is_not_resumed(warehouse: Warehouse) -> None:
    ledger = Ledger(warehouse, "flights")
    ledger.record_claim("s1", None, "1.0.0")
    mine = put(warehouse, "_flink/flights/s1/checkpoints/j/chk-4", 4, "s1")
    ledger.record_claim("s2", mine, "1.0.0")
    put(warehouse, "_flink/flights/s2/checkpoints/j/chk-6", 6, "s2")
    ledger.record_decision(SetAside(why="wrong", claim=2, newest_claim=2))
    checkpoint = newest_on_branch(warehouse, ledger)
    assert checkpoint
    assert checkpoint.path == mine
