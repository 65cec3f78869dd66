"""Options shared by several commands."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cluster.ready import WITHIN_S

Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0,
        help="How long to wait until all tasks run and a checkpoint is complete.",
    ),
]
DEFAULT_S = WITHIN_S
