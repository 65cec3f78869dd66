"""The metrics that docs/architecture.md names are fields of what the commands print, or Flink's own."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = (
    "headrace/ledger/survey.py",
    *(f"headrace/cli/{n}.py" for n in ("anchor", "check", "job", "patch", "plan")),
    *(str(p.relative_to(ROOT)) for p in (ROOT / "headrace/operate").glob("*.py")),
)
LAKE = ("headrace/verify/findings.py", "headrace/verify/conserved.py", "headrace/read/quarantine.py")
FLINK = {
    "currentOutputWatermark",
    "lastCheckpointDuration",
    "numRecordsIn",
    "numRecordsOut",
    "numRecordsSend",
    "numRestarts",
    "numberOfFailedCheckpoints",
    "pendingCommittables",
    "pendingRecords",
    "retriedCommittables",
    "successfulCommittables",
}
"""Taken from the REST answers of Flink 2.3 while the demo ran."""


def _cells() -> list[str]:
    table = re.search(
        r"\| stage \| module .*?\n\n", (ROOT / "docs" / "architecture.md").read_text(), re.DOTALL
    )
    assert table
    return [row.split("|")[-2] for row in table[0].strip().splitlines()[2:]]


def test_every_stage_has_something_that_shows_how_it_does() -> None:
    assert len(_cells()) == 19
    assert all("`" in cell for cell in _cells())


def test_every_metric_is_one_of_flink_or_a_field() -> None:
    source = "".join((ROOT / name).read_text() for name in (*SOURCES, *LAKE))
    named = {name for cell in _cells() for name in re.findall(r"`([A-Za-z_]+)`", cell)}
    named -= {"Writer", "Committer", "PythonCalc", "status"}  # operators and a command

    camel = {name for name in named if re.search("[A-Z]", name)}

    assert camel <= FLINK
    assert {n for n in named - camel if not re.search(rf'"{n}"|\b{n}: ', source)} == set()
