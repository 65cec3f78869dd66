"""A proof is a typed result; missing evidence makes the table unprovable, with the reason."""

from __future__ import annotations

import pytest

from headrace.errors import NotProvable, UsageError
from headrace.operate import Workspace, verify_table
from tests.publish.sealed_lake import Lake, publish_two_batches


def test_a_table_that_was_never_published_cannot_be_proved(workspace: Workspace) -> None:
    with pytest.raises(NotProvable, match="table events cannot be proved") as refused:
        verify_table(workspace, "events")

    assert refused.value.remedy == "headrace publish events"


def test_a_batch_that_is_not_published_is_refused(sealed: Lake, workspace: Workspace) -> None:
    publish_two_batches(sealed)

    with pytest.raises(UsageError, match="batch 9 is not published"):
        verify_table(workspace, "events", batch=9)
