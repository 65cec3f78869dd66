"""Publish killed between its steps, run twice at once, beside a compaction: a batch is published once (G2).

Kafka, the object store and the publishers are real. What a job would have staged is written by hand, but for
the statistics of files, which are Flink's own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest

from headrace.read.tables import open_table
from headrace.storage.warehouse import connect
from tests.publish.real_topic import RealTopic
from tests.stack.road import BY_HAND, Road, publishing
from tests.stack_fixtures import Stack

MakeRoad = Callable[..., Road]
STEPS = ["read", "batch", "commit events__quarantine", "commit events", "done", "fold"]


@dataclass
class Job:
    """A topic, and publishers of its job in separate processes."""

    topic: RealTopic
    environment: Mapping[str, str]

    def killed_before(self, step: str) -> None:
        killed = publishing(self.environment, step)
        stderr = killed.communicate(timeout=600)[1].decode()[-2000:]
        assert killed.returncode == -signal.SIGKILL, f"{step}: {stderr}"

    def publish(self, at_once: int = 1) -> None:
        processes = [publishing(self.environment) for _ in range(at_once)]
        stderr = [p.communicate(timeout=600)[1].decode()[-1500:] for p in processes]
        assert [p.returncode for p in processes] == [0] * at_once, stderr

    def whole(self) -> bool:
        return self.topic.homes() == [*range(self.topic.sent)]

    def batches(self) -> list[str]:
        """Batch numbers in the data table's history, oldest first."""
        history = reversed(self.topic.table().history())
        return [h["headrace.batch"] for h in history if "headrace.batch" in h]


@pytest.fixture
def job(stack: Stack, project: Path) -> Job:
    env = stack.settings
    store = env.store.model_copy(update={"warehouse": f"s3://lake/crashes-{uuid4().hex[:8]}"})
    own = {"HEADRACE_PROJECT": str(project), "HEADRACE__STORE__WAREHOUSE": store.warehouse}
    topic = RealTopic(env.kafka.bootstrap, connect(store))
    return Job(topic, {**os.environ, **stack.environment, **own})


def test_a_publisher_killed_before_each_step_and_run_again_publishes_once(job: Job) -> None:
    for step in STEPS:
        job.topic.stage(good=20, bad=3)
        job.killed_before(step)
        job.publish()
        assert job.whole(), f"killed before {step}"
    assert job.batches() == [str(n) for n in range(1, len(STEPS) + 1)]
    assert job.topic.verify().verdict == "proved"


def test_two_publisher_processes_at_once_publish_once(job: Job) -> None:
    for _ in range(3):
        job.topic.stage(good=20, bad=3)
        job.publish(at_once=2)
        assert job.whole()
    assert job.batches() == ["1", "2", "3"]


def test_publishing_again_changes_nothing(job: Job) -> None:
    job.topic.stage(good=20, bad=3)
    job.topic.publish()
    version = job.topic.table().version()
    assert job.topic.publish().batches == 0
    assert job.topic.table().version() == version


def test_a_compaction_between_the_steps_of_a_batch_changes_nothing(job: Job) -> None:
    job.topic.stage(good=20, bad=3)
    job.topic.publish()
    job.topic.stage(good=20, bad=3)
    job.killed_before("commit events")
    job.topic.table().optimize.compact()
    job.topic.publish()
    job.topic.table().optimize.compact()
    assert job.topic.publish().batches == 0
    assert job.whole()
    assert job.topic.verify().verdict == "proved"


def test_a_reader_sees_statistics_for_every_file(make_road: MakeRoad) -> None:
    road = make_road(parallelism=1, options=BY_HAND)
    road.produce(range(1500), broken_every=50)
    job = road.submit()
    road.settle(job, claim=1)
    road.publish()
    for output in ("events", "events__quarantine"):
        table = open_table(road.warehouse, output)
        assert table is not None
        files = pa.table(table.get_add_actions(flatten=True)).to_pylist()
        assert files
        for file in files:
            assert file["num_records"] > 0
            assert file["min._offset"] <= file["max._offset"]
