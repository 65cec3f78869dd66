"""What a command works with: the workspace that was handed to the command line, or this environment's."""

from __future__ import annotations

import typer

from headrace import settings
from headrace.operate import Workspace


def workspace_of(ctx: typer.Context) -> Workspace:
    """The workspace of a command; opened when the command first asks for it.

    Raises:
        UsageError: the settings of this environment cannot be read.
    """
    if not isinstance(ctx.obj, Workspace):
        ctx.obj = Workspace(settings.load())
    return ctx.obj
