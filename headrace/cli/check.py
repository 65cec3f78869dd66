"""``headrace check``: contracts and job declarations, offline, every error at once.

Jobs are read as syntax, never imported: a check must not run anybody's code, and pyflink takes seconds.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from headrace import project
from headrace.cli.output import Format, Output, emit
from headrace.contract.load import examine
from headrace.errors import HeadraceError, JobError, UsageError

WRITE = 'write JOB = Ingest(contract="…")'


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


@dataclass(frozen=True)
class Checked:
    """One file and what is wrong with it."""

    kind: Literal["contract", "job"]
    name: str
    holds: str = ""
    errors: list[HeadraceError] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As one object; ``ok`` is false when there are errors."""
        return {
            "kind": self.kind,
            "name": self.name,
            "ok": not self.errors,
            "holds": self.holds,
            "errors": [e.to_json() for e in self.errors],
        }


def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Contracts or jobs; else all.")
    ] = None,
    fmt: Output = Format.text,
) -> None:
    """Check contracts and jobs without a network, a cluster or a JVM. Exit code 1 if one of them is wrong.

    Example: headrace check flights -o json
    """
    contracts, jobs = _chosen(names or [])
    found = [_contract(name) for name in contracts] + [_job(name) for name in jobs]
    emit([c.to_json() for c in found], fmt, lambda: _page(found))
    if any(c.errors for c in found):
        raise typer.Exit(1)


def _chosen(names: list[str]) -> tuple[list[str], list[str]]:
    """The contracts and jobs of these names; a name may be both."""
    contracts, jobs = project.contract_names(), project.job_names()
    if unknown := [n for n in names if n not in contracts and n not in jobs]:
        known = ", ".join(sorted({*contracts, *jobs})) or "none yet"
        raise UsageError(f"there is no contract or job {unknown[0]!r}", remedy=f"there are: {known}")
    if not names:
        return contracts, jobs
    return [n for n in contracts if n in names], [n for n in jobs if n in names]


def _contract(name: str) -> Checked:
    # Not contract_path(): a file that is not called by a name must become an error here, not end the check.
    contract, errors = examine(project.root() / "contracts" / f"{name}.odcs.yaml")
    if contract is None:
        return Checked("contract", name, errors=list(errors))
    holds = f"{contract.version}, {len(contract.columns)} columns, {len(contract.rules)} rules"
    return Checked("contract", name, holds)


def _job(name: str) -> Checked:
    path = project.root() / "jobs" / f"{name}.py"
    try:
        tree = ast.parse(path.read_bytes(), filename=path.name)
    except (SyntaxError, ValueError) as e:
        line = getattr(e, "lineno", None) or 1
        wrong = JobError(
            f"not Python: {getattr(e, 'msg', e)}", where=f"jobs/{name}.py:{line}", remedy="correct it"
        )
        return Checked("job", name, errors=[wrong])
    contract, errors = _declared(tree, path)
    return Checked("job", name, f"Ingest of {contract}" if contract else "", list(errors))


def _declared(tree: ast.Module, path: Path) -> tuple[str | None, list[JobError]]:
    """The contract that the file's ``JOB`` names, and what is wrong with the declaration."""
    where = f"jobs/{path.name}"
    call = next(filter(None, map(_job_value, tree.body)), None)
    if not isinstance(call, ast.Call) or _called(call) != "Ingest":
        line = call.lineno if call is not None else 1
        return None, [JobError("the file declares no job", where=f"{where}:{line}", remedy=WRITE)]
    where = f"{where}:{call.lineno}"
    given = next((k.value for k in call.keywords if k.arg == "contract"), call.args[0] if call.args else None)
    if not isinstance(given, ast.Constant) or not isinstance(given.value, str):
        what = "the contract of the job is not a plain text"
        return None, [JobError(what, where=where, remedy=WRITE)]
    name, errors = given.value, []
    if name not in project.contract_names():
        known = ", ".join(project.contract_names()) or "none yet"
        errors.append(
            JobError(f"there is no contract {name!r}", where=where, remedy=f"the contracts are: {known}")
        )
    if name != path.stem:
        what = f"the job is named {name!r} by its contract, the file {path.stem!r}"
        errors.append(JobError(what, where=where, remedy=f"name the file jobs/{name}.py"))
    return name, errors


def _job_value(node: ast.stmt) -> ast.expr | None:
    """What the statement puts into ``JOB``, if it does."""
    if isinstance(node, ast.Assign):
        targets: list[ast.expr] = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return None
    return node.value if any(isinstance(t, ast.Name) and t.id == "JOB" for t in targets) else None


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _page(found: list[Checked]) -> Group:
    table = Table("kind", "name", "result", "holds", box=None)
    for c in found:
        count = f"{len(c.errors)} error{'' if len(c.errors) == 1 else 's'}"
        table.add_row(
            c.kind, c.name, Text(count, style="red") if c.errors else Text("ok", style="green"), c.holds
        )
    return Group(table, *(Text(f"error: {e}", style="red") for c in found for e in c.errors))
