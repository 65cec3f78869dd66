"""Options that name a place in a topic: offsets by partition, or when Kafka received the records."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

import typer

from headrace.cli.options import TIMES, utc
from headrace.errors import UsageError
from headrace.operate import Place

FromOffsets = Annotated[
    str | None,
    typer.Option(
        "--from-offsets", metavar="P:O,…", help="Begin at or before these offsets; ingest jobs only."
    ),
]
FromTime = Annotated[
    datetime | None,
    typer.Option(
        "--from-time",
        formats=TIMES,
        metavar="TIME",
        help="Begin at or before what Kafka received at that time: 2026-11-26T09:00, UTC; ingest jobs only.",
    ),
]
ToOffsets = Annotated[
    str | None,
    typer.Option("--to-offsets", metavar="P:O,…", help="End before these offsets; this makes it a patch."),
]
ToTime = Annotated[
    datetime | None,
    typer.Option(
        formats=TIMES,
        metavar="TIME",
        help="End before what Kafka received at that time, UTC; this makes it a patch.",
    ),
]


def places(offsets: str | None, moment: datetime | None) -> list[Place]:
    """The places that two options name, of which one or none should be given."""
    places: list[Place] = [] if offsets is None else [offsets_of(offsets)]
    return places if moment is None else [*places, utc(moment) or moment]


def offsets_of(text: str) -> dict[int, int]:
    """``0:100,1:200``.

    Raises:
        UsageError: it is not of that form.
    """
    parts = [re.fullmatch(r"([0-9]{1,9}):([0-9]{1,18})", part) for part in text.split(",")]
    if not all(parts):
        raise UsageError(f"{text!r} is not P:O,…", remedy="write PARTITION:OFFSET, like 0:84213,1:84100")
    offsets = {int(p[1]): int(p[2]) for p in parts if p}
    if len(offsets) != len(parts):
        raise UsageError(f"{text!r} names a partition twice", remedy="give one offset for each partition")
    return offsets
