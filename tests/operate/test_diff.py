"""Two states of a job's tables are compared by a function."""

from __future__ import annotations

import pytest

from headrace.errors import UsageError
from headrace.operate import Workspace, diff_batches
from tests.publish.sealed_lake import Lake, publish_two_batches


def test_a_batch_is_compared_with_the_one_before_it(sealed: Lake, workspace: Workspace) -> None:
    publish_two_batches(sealed)

    comparison = diff_batches(workspace, "events", 1)

    assert (comparison.first, comparison.last) == (1, 2)
    assert comparison.diff.added == {"records": 10}
    assert comparison.to_json()["to"] == 2
    with pytest.raises(UsageError, match="batch 1 comes before batch 2"):
        diff_batches(workspace, "events", 2, 1)
