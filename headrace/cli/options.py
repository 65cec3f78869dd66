"""Options shared by several commands."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

import typer

Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0,
        help="How long to wait until all tasks run and a checkpoint is complete.",
    ),
]

TIMES = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]
"""Accepted forms of a time on the command line; all are UTC."""
At = Annotated[
    datetime | None,
    typer.Option(
        formats=TIMES,
        metavar="TIME",
        help="As it was then: 2026-11-26T09:00, UTC.",
    ),
]


def utc(moment: datetime | None) -> datetime | None:
    """A time given on the command line, in UTC."""
    return moment and moment.replace(tzinfo=timezone.utc)
