"""What a command works with: the workspace passed to the command line, or that of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from headrace import operate, settings

if TYPE_CHECKING:  # it imports modules that the commands of the stack do not need
    from headrace.operate import Workspace


def workspace_of(ctx: typer.Context) -> Workspace:
    """The workspace of a command."""
    ctx.obj = workspace = open_workspace(ctx.obj)
    return workspace


def settings_of(ctx: typer.Context) -> settings.Settings:
    """The settings of a command.

    Raises:
        UsageError: the settings of the environment cannot be read.
    """
    workspace: Workspace | None = ctx.obj
    return workspace.settings if workspace else settings.load()


def open_workspace(workspace: Workspace | None) -> Workspace:
    """The given workspace, or the one of this process's environment.

    Raises:
        UsageError: the settings of the environment cannot be read.
    """
    return workspace or operate.Workspace(settings.load())
