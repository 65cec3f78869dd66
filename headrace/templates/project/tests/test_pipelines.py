"""Tests that need no cluster: contracts and jobs are valid, and samples are JSON objects."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


def test_contracts_and_jobs_are_valid() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headrace", "check"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("samples", sorted((PROJECT / "samples").glob("*.jsonl")), ids=lambda p: p.stem)
def test_samples_are_json_objects(samples: Path) -> None:
    records = [json.loads(line) for line in samples.read_text().splitlines()]
    assert records
    assert all(isinstance(record, dict) for record in records)
