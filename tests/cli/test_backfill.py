"""``headrace backfill``: its request is recorded, whatever happens to the job that judges it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.cluster.fake import FakeCluster
from headrace.job.submission import of_patch
from headrace.ledger import patch_history
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, publish_two_batches


@pytest.fixture
def file(tmp_path: Path) -> Path:
    partner_file = tmp_path / "partner.jsonl"
    partner_file.write_text('{"id": 1, "at": "2026-01-01T00:00:00Z", "amount": 1.25}\n')
    return partner_file


def test_a_bounded_job_that_fails_changes_nothing_and_is_named(
    sealed: Lake, cluster: FakeCluster, terminal: Terminal, file: Path
) -> None:
    publish_two_batches(sealed)
    rows = sealed.rows()
    cluster.then = lambda job: cluster.fail(job, "java.io.IOException: the disk is full", for_good=True)

    code, output = terminal.type(f"backfill events {file} --why late")

    output = " ".join(output.split())
    assert code == 1
    assert "it is FAILED: java.io.IOException: the disk is full; nothing was changed" in output
    assert "then headrace patch judge events 1" in output
    (submitted,) = cluster.submitted
    assert submitted.module == of_patch("events", 1, "any").module
    assert patch_history.state(sealed.ledger, 1) == "requested"
    assert sealed.rows() == rows


def test_a_backfill_needs_a_reason(
    sealed: Lake, cluster: FakeCluster, terminal: Terminal, file: Path
) -> None:
    publish_two_batches(sealed)

    code, output = terminal.type(f"backfill events {file}")

    assert code == 2
    assert "this needs a reason" in output
    assert cluster.submitted == []
