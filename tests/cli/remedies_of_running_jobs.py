"""Every remedy that is run while Kafka and Flink are up."""

from __future__ import annotations

from tests.cli import (
    situations_of_flink,
    situations_of_kafka,
    situations_of_replays,
    situations_of_savepoints,
)

IN_MEMORY = [
    *situations_of_flink.SITUATIONS,
    *situations_of_replays.SITUATIONS,
    *situations_of_savepoints.SITUATIONS,
]
JUDGE_FIRST = "publish/patch_checks.py: patch apply □ □"
"""Run by a separate test: no typed command reaches it."""
_EVERY = [*situations_of_kafka.SITUATIONS, *IN_MEMORY]
RUN = {remedy for situation in _EVERY for remedy in situation.remedies} | {JUDGE_FIRST}
