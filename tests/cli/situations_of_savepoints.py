"""Remedies about savepoints: their `_metadata` is what Flink would have written."""

from __future__ import annotations

from tests.cli.events_reader import Reader
from tests.cli.pipeline import Pipeline
from tests.cli.situations import Situation


def adopted(p: Pipeline) -> Reader:
    reader = p.filled()
    p.do(f"anchor adopt events {p.early} --why w")
    return reader


def without_metadata(p: Pipeline) -> None:
    """The savepoint of an anchor was removed."""
    adopted(p)
    p.lake.warehouse.delete(f"{p.early.removeprefix(f'{p.lake.warehouse.uri}/')}/_metadata")


def expire_anchor(p: Pipeline) -> None:
    adopted(p)
    p.do("anchor expire events --keep 0")


def of_another_job(p: Pipeline) -> None:
    p.filled()
    stranger = Reader(p.lake, p.topic, 1, "20260101T000000-00000000", 0)
    p.filled_in["PATH"] = f"{p.lake.warehouse.uri}/_flink/savepoints/savepoint-theirs"
    stranger.savepoint(p.filled_in["PATH"])


def ahead_of_publish(p: Pipeline) -> None:
    p.filled().checkpoint(35)
    p.do("anchor events --why w")


def replaced(p: Pipeline) -> None:
    """A second anchor follows manifests that a replay has replaced since."""
    adopted(p)
    p.do("anchor events --why w")
    p.do("replay plan events --from 1 --why w")
    p.do("replay run events 1")
    p.do("replay publish events 1")


SITUATIONS = [
    Situation(("cli/anchor.py: anchor ls □",), without_metadata, "anchor check events 1", shows=True),
    Situation(
        ("ledger/anchors.py: branch ls □",), of_another_job, "anchor adopt events {PATH} --why w", shows=True
    ),
    Situation(("ledger/fork.py: publish □",), ahead_of_publish, "replay plan events --from 1 --why w"),
    Situation(
        ("ledger/fork.py: replay ls □", "ledger/fork.py: anchor ls □"),
        replaced,
        "replay plan events --from 2 --why w",
        shows=True,
    ),
    Situation(
        ("replay/plan.py: anchor ls □",), without_metadata, "replay plan events --from 1 --why w", shows=True
    ),
    Situation(
        ("replay/plan.py: anchor ls □",), expire_anchor, "replay plan events --from 1 --why w", shows=True
    ),
    Situation(
        ("replay/plan.py: anchor ls □",),
        adopted,
        "replay plan events_by_hour --from-offsets 0:3 --why w",
        shows=True,
    ),
    Situation(
        ("replay/plan.py: anchor check □ □",),
        without_metadata,
        "replay plan events --from 1 --why w",
        shows=True,
        complains=True,
    ),
]
