"""Remedies that are about a job in Flink are run in the state that produced them."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.cluster.kafka.fake import FakeKafka
from headrace.errors import DecisionNeeded
from headrace.ledger import patch_history
from headrace.publish.patch import Patcher
from tests.cli.one_topic import InMemory
from tests.cli.pipeline import Pipeline, of_the_tests_project
from tests.cli.remedies import named_in
from tests.cli.remedies_of_running_jobs import IN_MEMORY, JUDGE_FIRST
from tests.cli.situations import Situation, helps
from tests.cli.situations_of_replays import stretch_asked


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pipeline:
    return of_the_tests_project(InMemory(FakeKafka(), "events"), tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("situation", IN_MEMORY, ids=str)
def test_a_remedy_helps_in_the_state_that_produced_it(situation: Situation, pipeline: Pipeline) -> None:
    helps(situation, pipeline)


def test_a_patch_that_is_not_judged_names_what_judges_it(pipeline: Pipeline) -> None:
    """No command of the terminal comes there: it has a patch judged before it puts it in."""
    stretch_asked(pipeline)
    with pytest.raises(DecisionNeeded) as refused:
        Patcher(pipeline.workspace.job("events").tables).publish(1)

    pipeline.do(named_in(str(refused.value), JUDGE_FIRST.partition(": ")[2]))

    assert patch_history.state(pipeline.lake.ledger, 1) == "published"
