"""``headrace diff``: what changed in a job's tables from one batch to another."""

from __future__ import annotations

import json

import pytest

from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, publish_two_batches


def test_rows_published_in_between_are_counted(sealed: Lake, terminal: Terminal) -> None:
    publish_two_batches(sealed)

    code, output = terminal.type("diff events --from-batch 1 -o json")

    assert code == 0
    answer = json.loads(output)
    assert (answer["from"], answer["to"]) == (1, 2)
    assert answer["added"] == {"records": 10}
    assert terminal.type("diff events --from-batch 1")[1].startswith("batch 1 → batch 2")


@pytest.mark.parametrize(
    ("options", "message"),
    [("", "nothing to compare with"), ("--from-batch 2 --to-batch 1", "batch 1 comes before batch 2")],
)
def test_a_diff_needs_two_batches_in_order(
    sealed: Lake, terminal: Terminal, options: str, message: str
) -> None:
    publish_two_batches(sealed)

    code, output = terminal.type(f"diff events {options}")

    assert code == 2
    assert message in output
