"""``headrace init`` and ``headrace new``: a new project, and another pipeline in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace import scaffold
from headrace.cli.output import Format, Output, emit


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
    written = scaffold.create_project(folder)
    emit(
        {"project": str(folder), "written": [str(p) for p in written]},
        fmt,
        lambda: _next_steps(written, folder, f"cd {folder}", "headrace check", "and follow README.md"),
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
    written = scaffold.create_pipeline(pipeline)
    emit(
        {"pipeline": pipeline, "written": [str(p) for p in written]},
        fmt,
        lambda: _next_steps(
            written,
            Path(),
            f"describe the records in contracts/{pipeline}.odcs.yaml",
            "headrace check",
            f"headrace plan {pipeline} --accept",
        ),
    )


def _next_steps(written: list[Path], folder: Path, *steps: str) -> str:
    return "\n".join([*(f"wrote {folder / p}" for p in written), "next:", *(f"  {s}" for s in steps)])
