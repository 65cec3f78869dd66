"""The local stack on a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from headrace.cli.layout import fit_table, listing
from headrace.operate.stack import StackEnvironment, StoppedStack
from headrace.stack.local import ProcessStatus


def table(listed: Iterable[ProcessStatus]) -> RenderableType:
    """Each process, its port, and whether it serves."""
    table = listing("process", "pid", "port", "serves", numbers=["pid", "port"])
    for process in listed:
        numbers = ("—" if n is None else str(n) for n in (process.pid, process.port))
        serves = Text("yes", style="green") if process.serves else Text("no", style="red")
        table.add_row(process.process, *numbers, serves)
    return fit_table(table)


def stop_sentence(result: StoppedStack) -> str:
    """What was stopped."""
    return "stopped " + (", ".join(result.stopped) or "nothing: nothing was running")


def exports(environment: StackEnvironment) -> str:
    """The variables, for a shell to evaluate."""
    return "\n".join(f"export {k}={shlex.quote(v)}" for k, v in environment.variables.items())
