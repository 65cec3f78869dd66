"""What an anchor needs so that a replay can start from it."""

from __future__ import annotations

import struct
from pathlib import Path

import obstore
import pytest

from headrace.contract.load import load
from headrace.errors import UsageError
from headrace.ledger import anchors
from headrace.ledger.anchor_health import health_of
from headrace.ledger.records import Anchor
from headrace.savepoint.metadata import MAGIC
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.publish.sealed_lake import CONTRACT, Lake, publish_two_batches

PLACE = "_flink/events/savepoints/savepoint-1"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))


def savepoint(lake: Lake, manifests: dict[str, str], submission: str = "s1", state: bytes = b"") -> str:
    """Write a `_metadata` with these manifests, and with the topic read up to offset 10."""
    seals = b"\x00".join(
        f"headrace-sealed|events|{output}|{submission}|{m}".encode() for output, m in manifests.items()
    )
    name = b"events"
    split = struct.pack(">iiH", 0, 2 + len(name) + 20, len(name)) + name + struct.pack(">iqq", 0, 10, -1)
    raw = struct.pack(">iiq", MAGIC, 6, 1) + seals + split + state
    obstore.put(lake.warehouse.objects, f"{PLACE}/_metadata", raw)
    return f"{lake.warehouse.uri}/{PLACE}"


def record_anchor(lake: Lake, manifests: dict[str, str]) -> Anchor:
    path = savepoint(lake, manifests)
    return anchors.record_savepoint(
        lake.warehouse, lake.ledger, path, {"events": "events"}, flink="2.3.0", why="", adopted=False
    )


def problems(lake: Lake, anchor: Anchor, log_start: dict[str, dict[int, int]]) -> list[str]:
    return health_of(lake.warehouse, lake.ledger, anchor, log_start).problems


def test_a_complete_anchor_has_no_problems(lake: Lake) -> None:
    anchor = record_anchor(lake, publish_two_batches(lake))
    assert (anchor.positions, anchor.batch) == ({"events": {0: 10}}, 2)
    assert health_of(lake.warehouse, lake.ledger, anchor, {"events": {0: 10}}).data_files == 1
    assert problems(lake, anchor, {"events": {0: 10}}) == []


NAME = b"e9003d4a-ac28-4c9f-a479-806992302188"


@pytest.mark.parametrize(
    ("state", "files"),
    [
        (b"sst\x06\x00\x24" + NAME, 1),
        (b"sst\x02" + struct.pack(">q", 70_000) + b"\x00\x90s3://lake/shared/" + NAME, 1),
        (b"sst\x01" + struct.pack(">q", 70_000) + b"\x00\x90s3://lake/shared/" + NAME, 0),
        (b"\x05" + struct.pack(">q", 6) + b"\x00\x24" + NAME, 0),
        (b"\x0b" + struct.pack(">q", 262) + b"\x00\x24" + NAME, 0),
    ],
    ids=["beside it", "elsewhere", "in it", "backend of checkpoint 6", "backend of checkpoint 262"],
)
def test_state_files_are_distinguished_from_similar_names(lake: Lake, state: bytes, files: int) -> None:
    manifests = publish_two_batches(lake)
    anchor = record_anchor(lake, manifests)
    savepoint(lake, manifests, state=state)
    listed = problems(lake, anchor, {"events": {0: 10}})
    assert [p for p in listed if "state files are gone" in p] == (
        [f"1 of its 1 state files are gone, {NAME.decode()} among them"] if files else []
    )


def test_a_missing_part_is_reported(lake: Lake) -> None:
    manifests = publish_two_batches(lake)
    anchor = record_anchor(lake, manifests)
    assert (
        "Kafka deleted what it would read: partition 0 of events begins at 11"
        in problems(lake, anchor, {"events": {0: 11}})[0]
    )
    assert "was deleted or created again" in problems(lake, anchor, {})[0]
    assert problems(lake, anchor.model_copy(update={"manifests": {}}), {"events": {0: 0}}) == [
        "its address now holds another savepoint"
    ]
    (first,) = [k for k in lake.warehouse.keys("events/_staged/s1/") if k.endswith("part-1.parquet")]
    lake.warehouse.delete(first)
    assert "1 files whose commit it may repeat are gone" in problems(lake, anchor, {"events": {0: 0}})[0]
    lake.warehouse.delete(f"{PLACE}/_metadata")
    assert "it has no _metadata" in problems(lake, anchor, {"events": {0: 0}})[0]


def test_only_savepoints_of_the_job_in_the_warehouse_are_accepted(lake: Lake) -> None:
    manifests = publish_two_batches(lake)
    path = savepoint(lake, manifests, submission="another")
    for where, message in (
        (path, "is not of job events"),
        ("s3://elsewhere/savepoint-1", "has to be in the warehouse"),
        (f"{lake.warehouse.uri}/_flink/none", "it has no _metadata"),
    ):
        with pytest.raises(UsageError, match=message):
            anchors.record_savepoint(
                lake.warehouse, lake.ledger, where, {"events": "events"}, flink="", why="", adopted=True
            )


def test_an_expired_anchor_is_recorded_and_its_savepoint_stays(lake: Lake) -> None:
    anchor = record_anchor(lake, publish_two_batches(lake))
    anchors.record_expiry(lake.ledger, anchor, "w")
    assert anchors.unexpired(lake.ledger) == []
    assert anchors.expired_numbers(lake.ledger) == {anchor.number}
    assert list(lake.warehouse.keys(f"{PLACE}/"))
