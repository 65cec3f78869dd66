"""Check contracts and jobs offline: all errors in one run, and no code of the project is executed.

Jobs are read the way every command reads them (:mod:`headrace.job.job_file`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from headrace import project
from headrace.contract.load import examine, find_unused
from headrace.contract.model import Contract
from headrace.contract.standard import NO_SERVICE_LEVEL
from headrace.errors import ContractError, HeadraceError, JobError, UsageError
from headrace.job.assemble import Load, examine_job
from headrace.job.declaration import Ingest
from headrace.job.job_file import name_error, read
from headrace.job.program import Program
from headrace.table.functions import Function
from headrace.table.state import refuse_unbounded
from headrace.text import counted


@dataclass(frozen=True)
class CheckedFile:
    """A contract or a job, and what is wrong with it."""

    kind: Literal["contract", "job"]
    name: str
    holds: str = ""
    """What it defines, in a few words; empty if it cannot be read."""
    errors: tuple[HeadraceError, ...] = ()
    warnings: tuple[str, ...] = ()
    documentation: tuple[str, ...] = ()
    """Keys of a contract that promise nothing."""

    @property
    def ok(self) -> bool:
        """Whether it has no errors."""
        return not self.errors

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "kind": self.kind,
            "name": self.name,
            "ok": self.ok,
            "holds": self.holds,
            "errors": [e.to_json() for e in self.errors],
            "warnings": list(self.warnings),
            "documentation": list(self.documentation),
        }


def check_project(names: Sequence[str] = ()) -> list[CheckedFile]:
    """Check contracts and jobs of the current project. Errors are part of the result.

    Args:
        names: contracts or jobs; a name may be both. By default all of them.

    Raises:
        UsageError: there is no contract or job of that name.
    """
    contracts, jobs = _select(names)
    load = cache(_examine)  # for this call: a contract is read once, however many jobs name it
    checked = [_check_contract(name, load) for name in contracts]
    listed = [error for contract in checked for error in contract.errors]
    return checked + [_check_job(name, load, listed) for name in jobs]


def _select(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The contracts and the jobs of these names."""
    contracts, jobs = project.contract_names(), project.job_names()
    if unknown := [n for n in names if n not in contracts and n not in jobs]:
        known = ", ".join(sorted({*contracts, *jobs})) or "none yet"
        raise UsageError(
            f"there is no contract or job {unknown[0]!r}", remedy=f"the contracts and jobs are: {known}"
        )
    if not names:
        return contracts, jobs
    return [n for n in contracts if n in names], [n for n in jobs if n in names]


def _examine(name: str) -> tuple[Contract | None, list[ContractError]]:
    # Not contract_path(): a file whose name is not valid must become an error here, not end the check.
    return examine(project.root() / "contracts" / f"{name}.odcs.yaml")


def _check_contract(name: str, load: Load) -> CheckedFile:
    contract, errors = load(name)
    if contract is None:
        return CheckedFile("contract", name, errors=tuple(errors))
    columns, rules = counted(len(contract.columns), "column"), counted(len(contract.rules), "rule")
    holds = f"{contract.version}, {columns}, {rules}"
    unused = find_unused(contract.path)
    warnings = tuple(_name_alert(w, name) for w in unused.warnings)
    return CheckedFile("contract", name, holds, (), warnings, tuple(sorted(unused.documentation)))


def _name_alert(warning: str, contract: str) -> str:
    """A warning; where a service level is not measured, with what to alert on instead.

    A job has the name of its first contract.
    """
    if not warning.endswith(NO_SERVICE_LEVEL):
        return warning
    job = contract if contract in project.job_names() else ""
    shows = f"what `headrace status {job}` shows" if job else "the `status` of the job that writes the table"
    return f"{warning}: alert on {shows}"


def _check_job(name: str, load: Load, listed: Sequence[HeadraceError]) -> CheckedFile:
    """A job; errors of a contract that are already listed are not repeated."""
    try:
        file = read(project.root() / "jobs" / f"{name}.py")
    except JobError as e:
        return CheckedFile("job", name, errors=(e,))
    result = examine_job(file.job, file.where, load)
    wrong = name_error(file, name)
    errors = (*([wrong] if wrong else []), *(e for e in result.errors if e not in listed))
    if isinstance(file.job, Ingest):
        return CheckedFile("job", name, f"Ingest of {file.job.contract}", errors)
    holds = f"Derive of {', '.join(file.job.reads)}"
    slow = tuple(_describe_slow(f) for f in result.functions if f.builtins)
    return CheckedFile("job", name, holds, (*errors, *_state_errors(result.program)), slow)


def _describe_slow(function: Function) -> str:
    does = ", ".join(function.builtins)
    return f"{function.path}: SQL can do this without Python, at a fraction of the cost: {does}"


def _state_errors(program: Program | None) -> list[JobError]:
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
