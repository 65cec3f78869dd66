"""Checked contracts and jobs on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from headrace.cli.layout import fit_table, listing
from headrace.operate.check import CheckedFile
from headrace.text import counted


def table(files: Sequence[CheckedFile]) -> Group:
    """Each file with its result; then what is documentation only, warnings, and errors."""
    table = listing("kind", "name", "result", "holds")
    for file in files:
        count = counted(len(file.errors), "error")
        result = Text("ok", style="green") if file.ok else Text(count, style="red")
        table.add_row(file.kind, file.name, result, file.holds)
    return Group(
        fit_table(table, prose="holds"),
        *_documentation(files),
        *(Text(f"warning: {w}", style="yellow") for f in files for w in f.warnings),
        *(Text(f"error: {e}", style="red") for f in files for e in f.errors),
    )


def _documentation(files: Sequence[CheckedFile]) -> list[Text]:
    keys = sorted({key for f in files for key in f.documentation})
    return [Text(f"kept as documentation: {', '.join(keys)}", style="dim")] if keys else []
