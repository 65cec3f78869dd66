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
from tests.cli.situations_of_replays import request_bounded_replay


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pipeline:
    return of_the_tests_project(InMemory(FakeKafka(), "events"), tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("situation", IN_MEMORY, ids=str)
def test_a_remedy_helps_in_the_state_that_produced_it(situation: Situation, pipeline: Pipeline) -> None:
    helps(situation, pipeline)


def test_an_unjudged_patch_names_the_command_that_judges_it(pipeline: Pipeline) -> None:
    """No typed command reaches this: `patch apply` has a patch judged before it applies it."""
    request_bounded_replay(pipeline)
    with pytest.raises(DecisionNeeded) as refused:
        Patcher(pipeline.workspace.job("events").tables).publish(1)

    pipeline.do(named_in(str(refused.value), JUDGE_FIRST.partition(": ")[2]))

    assert patch_history.state(pipeline.lake.ledger, 1) == "published"
