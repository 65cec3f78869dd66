"""``headrace diff``: what changed in a job's tables from one batch to another."""

from __future__ import annotations

import json

import pytest

from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, begun


def test_rows_that_came_in_between_are_counted(sealed: Lake, terminal: Terminal) -> None:
    begun(sealed)

    code, said = terminal.type("diff events --from-batch 1 -o json")

    assert code == 0
    found = json.loads(said)
    assert (found["from"], found["to"]) == (1, 2)
    assert found["added"] == {"records": 10}
    assert terminal.type("diff events --from-batch 1")[1].startswith("batch 1 → batch 2")


@pytest.mark.parametrize(
    ("options", "says"),
    [("", "nothing to compare with"), ("--from-batch 2 --to-batch 1", "batch 1 comes before batch 2")],
)
def test_it_needs_two_sides_in_their_order(sealed: Lake, terminal: Terminal, options: str, says: str) -> None:
    begun(sealed)

    code, said = terminal.type(f"diff events {options}")

    assert code == 2
    assert says in said
