"""What decode and rules make of every broken record, asked of Flink itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from demo.broken import BROKEN
from demo.payload import good
from headrace.cluster.kafka import Message, create_topic, produce
from tests.stack_fixtures import Stack

JUDGE = Path(__file__).parent / "judge.py"


@pytest.fixture(scope="module")
def judged(stack: Stack) -> list[list[str | None]]:
    """Reason, field, rule and payload of each broken record, and of a good one behind them."""
    bootstrap, topic = stack.settings.kafka.bootstrap, f"broken-{uuid4().hex[:8]}"
    create_topic(bootstrap, topic, 1)
    produce(bootstrap, topic, [*(Message(bad.payload) for bad in BROKEN), Message(good())])
    lib = Path(stack.environment["FLINK_LIB_DIR"])
    jars = [
        str(jar.resolve())
        for name in ("headrace-jvm-*", "flink-sql-connector-kafka-*")
        for jar in lib.glob(name)
    ]
    done = subprocess.run(
        [sys.executable, str(JUDGE), bootstrap, topic, *jars],
        env={**os.environ, **stack.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = sorted(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    assert [row[0] for row in rows] == list(range(len(BROKEN) + 1))
    return [row[1:] for row in rows]


def test_each_has_the_reason_field_and_rule_that_it_must_get(judged: list[list[str | None]]) -> None:
    expected = [[bad.reason, bad.field, bad.rule] for bad in BROKEN]

    assert [found[:3] for found in judged[:-1]] == expected


def test_what_cannot_be_decoded_keeps_its_bytes(judged: list[list[str | None]]) -> None:
    kept = {i: found[3] for i, found in enumerate(judged[:-1]) if BROKEN[i].rule is None}

    assert kept == {
        i: p if p is None else p.hex() for i, p in enumerate(b.payload for b in BROKEN) if i in kept
    }


def test_the_good_one_that_they_were_made_of_is_good(judged: list[list[str | None]]) -> None:
    assert judged[-1][:3] == [None, None, None]
