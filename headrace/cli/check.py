"""``headrace check``: contracts and job declarations, checked offline, all errors in one run.

Jobs are read the way every command reads them (:mod:`headrace.job.job_file`): without running their code.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal

import typer
from rich.console import Group
from rich.text import Text

from headrace import project
from headrace.cli.output import Format, Output, counted, emit, fitted, listing
from headrace.contract.load import examine, find_unused
from headrace.contract.model import Contract
from headrace.contract.standard import NO_SERVICE_LEVEL
from headrace.errors import ContractError, HeadraceError, JobError, UsageError
from headrace.job.assemble import Load, examine_job
from headrace.job.declaration import Ingest
from headrace.job.job_file import misnamed, read
from headrace.job.program import Program
from headrace.table.functions import Function
from headrace.table.state import refuse_unbounded


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
    warnings: list[str] = field(default_factory=list)
    documentation: list[str] = field(default_factory=list)
    """Keys of a contract that promise nothing."""

    def to_json(self) -> dict[str, Any]:
        """As one object; ``ok`` is false when there are errors."""
        return {
            "kind": self.kind,
            "name": self.name,
            "ok": not self.errors,
            "holds": self.holds,
            "errors": [e.to_json() for e in self.errors],
            "warnings": self.warnings,
            "documentation": self.documentation,
        }


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Contracts or jobs; all of them by default."),
    ] = None,
    fmt: Output = Format.text,
) -> None:
    """Check contracts and jobs without a network, a cluster or a JVM. Exit code 1 if one has errors.

    Example: headrace check flights -o json
    """
    contracts, jobs = _chosen(names or [])
    examined = cache(_examined)  # for this call: a contract is read once, however many jobs name it
    checked = [_contract(name, examined) for name in contracts]
    listed = [error for contract in checked for error in contract.errors]
    checked += [_job(name, examined, listed) for name in jobs]
    emit([c.to_json() for c in checked], fmt, lambda: _page(checked))
    if any(c.errors for c in checked):
        raise typer.Exit(1)


def _chosen(names: list[str]) -> tuple[list[str], list[str]]:
    """The contracts and jobs of these names; a name may be both."""
    contracts, jobs = project.contract_names(), project.job_names()
    if unknown := [n for n in names if n not in contracts and n not in jobs]:
        known = ", ".join(sorted({*contracts, *jobs})) or "none yet"
        raise UsageError(f"there is no contract or job {unknown[0]!r}", remedy=f"the contracts are: {known}")
    if not names:
        return contracts, jobs
    return [n for n in contracts if n in names], [n for n in jobs if n in names]


def _examined(name: str) -> tuple[Contract | None, list[ContractError]]:
    # Not contract_path(): a file whose name is not valid must become an error here, not end the check.
    return examine(project.root() / "contracts" / f"{name}.odcs.yaml")


def _contract(name: str, examined: Load) -> Checked:
    contract, errors = examined(name)
    if contract is None:
        return Checked("contract", name, errors=list(errors))
    columns, rules = counted(len(contract.columns), "column"), counted(len(contract.rules), "rule")
    holds = f"{contract.version}, {columns}, {rules}"
    unused = find_unused(contract.path)
    warnings = [_with_alert(w, name) for w in unused.warnings]
    return Checked("contract", name, holds, [], warnings, sorted(unused.documentation))


def _with_alert(warning: str, contract: str) -> str:
    """The warning that a service level is not measured, with what to alert on instead.

    A job has the name of its first contract.
    """
    if not warning.endswith(NO_SERVICE_LEVEL):
        return warning
    job = contract if contract in project.job_names() else ""
    shows = f"what `headrace status {job}` shows" if job else "the `status` of the job that writes the table"
    return f"{warning}: alert on {shows}"


def _job(name: str, examined: Load, listed: Sequence[HeadraceError]) -> Checked:
    """A job; errors of a contract that are already listed are not repeated."""
    try:
        file = read(project.root() / "jobs" / f"{name}.py")
    except JobError as e:
        return Checked("job", name, errors=[e])
    result = examine_job(file.job, file.where, examined)
    wrong = misnamed(file, name)
    errors: list[HeadraceError] = [wrong] if wrong else []
    errors += [e for e in result.errors if e not in listed]
    if isinstance(file.job, Ingest):
        return Checked("job", name, f"Ingest of {file.job.contract}", errors)
    errors += _unbounded(result.program)
    holds = f"Derive of {', '.join(file.job.reads)}"
    return Checked("job", name, holds, errors, [_slow(f) for f in result.functions if f.builtins])


def _slow(function: Function) -> str:
    does = ", ".join(function.builtins)
    return f"{function.path}: SQL can do this without Python, at a fraction of the cost: {does}"


def _unbounded(program: Program | None) -> list[JobError]:
    """State that never expires, by the job's lock; without a lock nothing is known, and nothing runs."""
    job = program.job.name if program else ""
    if program is None or not (path := project.lock_path(job)).is_file():
        return []
    try:
        refuse_unbounded(json.loads(path.read_bytes())["plan"], program.contract)
    except JobError as e:
        return [e]
    except (ValueError, KeyError, TypeError):
        return [
            JobError(
                "this is not a lock",
                where=f"jobs/{path.name}",
                remedy="restore it from version control; or delete it and run"
                f" `headrace plan {job} --accept`: a job with state then cannot continue from that state",
            )
        ]
    return []


def _documentation(checked: list[Checked]) -> list[Text]:
    kept = sorted({key for c in checked for key in c.documentation})
    return [Text(f"kept as documentation: {', '.join(kept)}", style="dim")] if kept else []


def _page(checked: list[Checked]) -> Group:
    table = listing("kind", "name", "result", "holds")
    for c in checked:
        count = counted(len(c.errors), "error")
        table.add_row(
            c.kind, c.name, Text(count, style="red") if c.errors else Text("ok", style="green"), c.holds
        )
    return Group(
        fitted(table, prose="holds"),
        *_documentation(checked),
        *(Text(f"warning: {w}", style="yellow") for c in checked for w in c.warnings),
        *(Text(f"error: {e}", style="red") for c in checked for e in c.errors),
    )
