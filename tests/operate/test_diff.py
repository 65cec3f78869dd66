"""Two states of a job's tables are compared by a function."""

from __future__ import annotations

import pytest

from headrace.errors import UsageError
from headrace.operate import Workspace, diff_batches
from tests.publish.sealed_lake import Lake, begun


def test_what_a_batch_brought_is_the_difference_to_the_batch_before(
    sealed: Lake, workspace: Workspace
) -> None:
    begun(sealed)

    found = diff_batches(workspace, "events", 1)

    assert (found.first, found.last) == (1, 2)
    assert found.diff.added == {"records": 10}
    assert found.to_json()["to"] == 2
    with pytest.raises(UsageError, match="batch 1 comes before batch 2"):
        diff_batches(workspace, "events", 2, 1)
