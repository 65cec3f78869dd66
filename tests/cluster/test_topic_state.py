"""A log that lost its tail is told by its leader epochs, also after it has grown past what was read of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.cluster.kafka import create_topic, topic_state
from headrace.cluster.kafka.topic_state import kept
from headrace.verify.ingest import first_lost_offset
from headrace.verify.topic_scan import KafkaTopic
from tests.cluster.brokers import Broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path / "broker")
    made.start()
    yield made
    made.stop()


def _lost(broker: Broker, topic: str, then: tuple[int, int], frontier: int) -> tuple[int, int]:
    """From where on offsets are lost, as publish asks and as verify sees."""
    asked = topic_state(broker.bootstrap, topic, {0: then})
    extent = KafkaTopic(broker.bootstrap, topic).scan(lambda _p, _o: None)[0]
    return min(asked.kept[0], asked.ends[0], frontier), first_lost_offset(extent, frontier, then)


@pytest.mark.stack
def test_a_partition_that_was_restored_from_a_copy(broker: Broker, tmp_path: Path) -> None:
    for topic in ("cut", "whole"):
        create_topic(broker.bootstrap, topic, 1)
        broker.send(topic, 300)
    broker.stop()
    broker.copy("cut-0", tmp_path / "copy")
    broker.start()
    assert [broker.send(topic, 200) for topic in ("cut", "whole")] == [500, 500]
    then = {t: topic_state(broker.bootstrap, t, {}).epochs[0] for t in ("cut", "whole")}
    assert _lost(broker, "cut", then["cut"], 500) == (500, 500)

    broker.restore("cut-0", tmp_path / "copy")
    assert _lost(broker, "cut", then["cut"], 500) == (300, 300)
    assert broker.send("cut", 400) == 700, "past what was read"
    assert broker.send("whole", 400) == 900
    assert _lost(broker, "cut", then["cut"], 500) == (300, 300)
    assert _lost(broker, "whole", then["whole"], 500) == (500, 500), "a new leader alone loses nothing"


@pytest.mark.stack
def test_a_cluster_that_was_restored_whole_counts_its_epochs_again(broker: Broker, tmp_path: Path) -> None:
    create_topic(broker.bootstrap, "events", 1)
    broker.send("events", 300)
    broker.copy("", tmp_path / "copy")  # while it runs
    broker.send("events", 100)
    broker.restart()
    broker.send("events", 100)
    then = topic_state(broker.bootstrap, "events", {}).epochs[0]
    assert then[1] == 400

    broker.restore("", tmp_path / "copy")
    assert broker.send("events", 400) == 700
    again = topic_state(broker.bootstrap, "events", {}).epochs[0]
    assert (again[0], again[1]) == (then[0], 300), "the same number for another epoch"
    assert _lost(broker, "events", then, 500) == (300, 300)


@pytest.mark.parametrize(
    ("found", "begins", "log_start", "expected"),
    [
        ((4, 900), 400, 0, 900),
        ((4, 450), 400, 0, 450),
        ((-1, -1), 400, 0, 400),
        ((3, 350), 350, 0, 350),
        ((4, 900), 300, 0, 300),
        ((4, 900), 600, 600, 900),
    ],
    ids=["as it was", "cut", "epoch unknown", "epoch gone", "began earlier", "retention moved its beginning"],
)
def test_how_far_a_log_is_the_one_that_was_noted(
    found: tuple[int, int], begins: int, log_start: int, expected: int
) -> None:
    assert kept((4, 400), found, begins, log_start, log_end=900) == expected
