"""Where a start without a savepoint goes on: at the newest checkpoint, unless the tables are ahead of it."""

from __future__ import annotations

import struct
from pathlib import Path

import obstore
import pytest

from headrace.cluster.kafka import TopicInfo
from headrace.contract.load import load
from headrace.errors import DecisionNeeded
from headrace.job.start.begin import newest_restorable, require_same_topic
from headrace.ledger.manifests import StagedManifests
from headrace.savepoint.metadata import MAGIC
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.publish.sealed_lake import CONTRACT, Lake, publish_two_batches


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))


def checkpoint(lake: Lake, manifests: dict[str, str]) -> str:
    """A checkpoint of claim 1 that goes on from these manifests, as Flink keeps it."""
    number = int(next(iter(manifests.values())).partition("-")[0])
    folder = f"_flink/events/s1/checkpoints/j/chk-{number}"
    sealed = [f"headrace-sealed|events|{o}|s1|{manifest}" for o, manifest in manifests.items()]
    raw = struct.pack(">iiq", MAGIC, 6, number) + "\0".join([*sealed, ""]).encode()
    obstore.put(lake.warehouse.objects, f"{folder}/_metadata", raw)
    return f"{lake.warehouse.uri}/{folder}"


def resumed(lake: Lake) -> str | None:
    staged = {o.id: StagedManifests(lake.warehouse, o.id).read() for o in lake.tables().outputs}
    return newest_restorable(lake.ledger, lake.warehouse, staged, has_state=False)


def test_a_checkpoint_at_the_head_is_gone_on_from(lake: Lake) -> None:
    publish_two_batches(lake)
    newest = checkpoint(lake, lake.ledger.head().manifests)
    assert resumed(lake) == newest


def test_a_checkpoint_that_is_older_than_what_is_published_is_not(lake: Lake) -> None:
    place = checkpoint(lake, publish_two_batches(lake))
    with pytest.raises(DecisionNeeded, match=r"newest checkpoint found \(1\) is older than .* \(3\)") as said:
        resumed(lake)
    assert said.value.where == place


@pytest.mark.parametrize(
    ("name", "id_", "said"),
    [
        ("events", "", None),
        ("events", "2", "topic events was deleted and created again"),
        ("orders", "2", "the job began on topic events, but would read orders now"),
    ],
)
def test_a_topic_of_another_name_is_another_topic_and_was_not_created_again(
    lake: Lake, name: str, id_: str, said: str | None
) -> None:
    topic = TopicInfo(name, id_ or lake.kafka.describe("events").id, {0: 0}, {0: 0})
    if said is None:
        require_same_topic(lake.ledger, topic, "events")
        return
    with pytest.raises(DecisionNeeded, match=said):
        require_same_topic(lake.ledger, topic, "events")
