"""Anchors are taken, listed, checked and expired by functions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from headrace.errors import UsageError
from headrace.ledger.records import ANCHORS
from headrace.operate import (
    Workspace,
    describe_anchor,
    expire_anchors,
    list_anchors,
    take_anchor,
)
from tests.ledger.sample_records import anchor
from tests.publish.sealed_lake import Lake, publish_two_batches


def test_a_savepoint_is_taken_only_of_a_running_job(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="job events does not run"):
        take_anchor(workspace, "events", "before the new rule")


def test_old_anchors_expire_except_the_newest(sealed: Lake, workspace: Workspace) -> None:
    place = publish_two_batches(sealed)
    for number in range(3):
        path = f"{sealed.warehouse.uri}/_flink/s{number}"
        sealed.warehouse.put_new(f"_flink/s{number}/_metadata", b"state")
        record = anchor(checkpoint=number + 1, manifests=place, path=path, adopted=number == 1)
        sealed.ledger.append(ANCHORS, record)

    assert [a.number for a in list_anchors(workspace, "events")] == [3, 2, 1]
    assert describe_anchor(workspace, "events", 2).number == 2
    assert expire_anchors(workspace, "events", "w", older_than=timedelta(days=36_500)).expired == ()

    done = expire_anchors(workspace, "events", "weekly", keep=1)

    assert done.to_json()["expired"] == [1, 2]
    assert [a.number for a in list_anchors(workspace, "events")] == [3]
    # The savepoint of the second anchor was made by other means: its files are not ours to delete.
    assert [n for n in range(3) if sealed.warehouse.has(f"_flink/s{n}/_metadata")] == [1, 2]
