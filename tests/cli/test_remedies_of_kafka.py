"""Remedies that ask Kafka are run in the state that produced them, and a real broker answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from headrace import settings
from headrace.cluster.kafka import Brokers
from tests.cli.one_topic import OnBroker
from tests.cli.pipeline import Pipeline, of_the_tests_project
from tests.cli.situations import Situation, helps
from tests.cli.situations_of_kafka import SITUATIONS
from tests.cluster.brokers import Broker

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def pipeline(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Pipeline:
    prefix = f"{uuid4().hex[:8]}."
    brokers = Brokers(settings.KafkaSettings(bootstrap=broker.bootstrap, topic_prefix=prefix))
    topic = OnBroker(broker, brokers, brokers.topic("events"))
    return of_the_tests_project(topic, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_remedy_helps_in_the_state_that_produced_it(situation: Situation, pipeline: Pipeline) -> None:
    helps(situation, pipeline)
