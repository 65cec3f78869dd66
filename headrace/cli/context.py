"""The workspace of a command: the one passed to the command line, or that of the environment."""

from __future__ import annotations

import typer

from headrace import settings
from headrace.operate import Workspace


def workspace_of(ctx: typer.Context) -> Workspace:
    """The workspace of a command."""
    ctx.obj = workspace = opened(ctx.obj)
    return workspace


def opened(given: Workspace | None) -> Workspace:
    """The given workspace, or the one of this process's environment.

    Raises:
        UsageError: the settings of the environment cannot be read.
    """
    return given or Workspace(settings.load())
