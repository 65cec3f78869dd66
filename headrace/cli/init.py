"""``headrace init`` and ``headrace new``: a new project, and another pipeline in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.output import Format, Output, emit
from headrace.operate.project import create_pipeline, create_project


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(new)


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="A folder that is empty or does not exist yet.")
    ],
    fmt: Output = Format.text,
) -> None:
    """Write a new project: a small pipeline that works, its sample records, and a README that runs it.

    Example: headrace init shop
    """
    created = create_project(folder)
    emit(
        created.to_json(),
        fmt,
        lambda: _next_steps(
            created.written, folder, f"cd {folder}", "headrace check", "and follow README.md"
        ),
    )


def new(
    pipeline: Annotated[
        str, typer.Argument(metavar="PIPELINE", help="Its name, which contract, job, topic and table get.")
    ],
    fmt: Output = Format.text,
) -> None:
    """Add a pipeline to this project: contract, job and sample records, for you to adapt.

    Example: headrace new payments
    """
    created = create_pipeline(pipeline)
    steps = (
        f"describe the records in contracts/{pipeline}.odcs.yaml",
        "headrace check",
        f"headrace plan {pipeline} --accept",
    )
    emit(created.to_json(), fmt, lambda: _next_steps(created.written, Path(), *steps))


def _next_steps(written: Iterable[Path], folder: Path, *steps: str) -> str:
    return "\n".join([*(f"wrote {folder / p}" for p in written), "next:", *(f"  {s}" for s in steps)])
