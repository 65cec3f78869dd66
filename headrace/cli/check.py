"""``headrace check``: contracts and job declarations, offline, every error at once.

Jobs are read as syntax, never imported: a check must not run anybody's code, and pyflink takes seconds.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

import typer
from rich.console import Group
from rich.text import Text

from headrace import project
from headrace.cli.output import Format, Output, counted, emit, fitted, listing
from headrace.contract.load import examine, find_unused
from headrace.contract.model import Contract
from headrace.contract.standard import NO_SERVICE_LEVEL
from headrace.errors import ContractError, HeadraceError, JobError, UsageError
from headrace.table.functions import Function, read_function, unread
from headrace.table.state import refuse_unbounded
from headrace.table.steps import Step, read_step

Examined = Callable[[str], tuple[Contract | None, list[ContractError]]]
T = TypeVar("T")
WRITE = 'write JOB = Ingest(contract="…"), or JOB = Derive(reads=[…], steps=[…], writes=[…])'
NAMES = {"Ingest": ("contract",), "Derive": ("writes", "reads")}
"""Each kind of job and the arguments that name contracts; the first names the job too."""


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
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Contracts or jobs; else all.")
    ] = None,
    fmt: Output = Format.text,
) -> None:
    """Check contracts and jobs without a network, a cluster or a JVM. Exit code 1 if one of them is wrong.

    Example: headrace check flights -o json
    """
    contracts, jobs = _chosen(names or [])
    examined = cache(_examined)  # of this call: a contract is read once, however many jobs name it
    found = [_contract(name, examined) for name in contracts] + [_job(name, examined) for name in jobs]
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


def _examined(name: str) -> tuple[Contract | None, list[ContractError]]:
    # Not contract_path(): a file that is not called by a name must become an error here, not end the check.
    return examine(project.root() / "contracts" / f"{name}.odcs.yaml")


def _contract(name: str, examined: Examined) -> Checked:
    contract, errors = examined(name)
    if contract is None:
        return Checked("contract", name, errors=list(errors))
    columns, rules = counted(len(contract.columns), "column"), counted(len(contract.rules), "rule")
    holds = f"{contract.version}, {columns}, {rules}"
    unused = find_unused(contract.path)
    warnings = [_with_alert(w, name) for w in unused.warnings]
    return Checked("contract", name, holds, [], warnings, sorted(unused.documentation))


def _with_alert(warning: str, contract: str) -> str:
    """Where no service level is measured, what can be watched. A job has the name of its first contract."""
    if not warning.endswith(NO_SERVICE_LEVEL):
        return warning
    job = contract if contract in project.job_names() else ""
    shows = f"what `headrace status {job}` shows" if job else "the `status` of the job that writes the table"
    return f"{warning}: alert on {shows}"


def _job(name: str, examined: Examined) -> Checked:
    path = project.root() / "jobs" / f"{name}.py"
    try:
        tree = ast.parse(path.read_bytes(), filename=path.name)
    except (SyntaxError, ValueError) as e:
        line = getattr(e, "lineno", None) or 1
        wrong = JobError(
            f"not Python: {getattr(e, 'msg', e)}", where=f"jobs/{name}.py:{line}", remedy="correct it"
        )
        return Checked("job", name, errors=[wrong])
    return _declared(tree, path, examined)


def _declared(tree: ast.Module, path: Path, examined: Examined) -> Checked:
    """What the file's ``JOB`` is, in words, and what is wrong with the declaration."""
    where = f"jobs/{path.name}"
    call = next(filter(None, map(_job_value, tree.body)), None)
    if not isinstance(call, ast.Call) or _called(call) not in NAMES:
        line = call.lineno if call is not None else 1
        none = JobError("the file declares no job", where=f"{where}:{line}", remedy=WRITE)
        return Checked("job", path.stem, errors=[none])
    where, kind = f"{where}:{call.lineno}", _called(call)
    texts = {argument: _texts(_given(call, argument, NAMES[kind])) for argument in NAMES[kind]}
    if unclear := [argument for argument, found in texts.items() if not found]:
        what = f"the {unclear[0]} of the job is not a plain text" + (
            "" if kind == "Ingest" else ", or a list of them"
        )
        return Checked("job", path.stem, errors=[JobError(what, where=where, remedy=WRITE)])
    errors: list[HeadraceError] = [
        error for names in texts.values() for name in names for error in _unknown(name, where)
    ]
    own = texts[NAMES[kind][0]][0]
    if own != path.stem:
        what = f"the job is named {own!r} by its contract, the file {path.stem!r}"
        errors.append(JobError(what, where=where, remedy=f"name the file jobs/{own}.py"))
    if kind == "Ingest":
        return Checked("job", path.stem, f"Ingest of {own}", errors)
    contract, _ = examined(own)
    steps, wrong = _steps(own, _texts(_given(call, "steps", ())), where, contract)
    functions, amiss = _functions(call, steps, own, where)
    errors += [*wrong, *amiss, *_endless(own, contract)]
    holds = f"Derive of {', '.join(texts['reads'])}"
    return Checked("job", path.stem, holds, errors, [_slower(f) for f in functions if f.builtins])


def _given(call: ast.Call, argument: str, in_order: tuple[str, ...]) -> ast.expr | None:
    named = next((k.value for k in call.keywords if k.arg == argument), None)
    return named or (call.args[0] if call.args and in_order == (argument,) else None)


def _texts(given: ast.expr | None) -> list[str]:
    """A text, or a list of texts; empty where it is anything else."""
    found = given.elts if isinstance(given, ast.List | ast.Tuple) else [given]
    texts = [e.value for e in found if isinstance(e, ast.Constant) and isinstance(e.value, str)]
    return texts if len(texts) == len(found) else []


def _unknown(contract: str, where: str) -> list[JobError]:
    if contract in project.contract_names():
        return []
    known = ", ".join(project.contract_names()) or "none yet"
    return [JobError(f"there is no contract {contract!r}", where=where, remedy=f"the contracts are: {known}")]


def _steps(
    job: str, names: list[str], where: str, contract: Contract | None
) -> tuple[list[Step], list[JobError]]:
    """The SQL of a derive job, and what is wrong with it."""
    if not names:
        return [], [JobError("the job has no steps", where=where, remedy=WRITE)]
    return _each(names if contract else [], lambda name: read_step(job, name, cast("Contract", contract)))


def _functions(
    call: ast.Call, steps: list[Step], own: str, where: str
) -> tuple[list[Function], list[JobError]]:
    """The Python functions of a derive job, and what is wrong with them."""
    given = _given(call, "functions", ())
    if given is None:
        return [], []
    try:
        named = {str(k): str(v) for k, v in ast.literal_eval(given).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        plain = 'write functions={"name": "udfs.module.constant"}'
        return [], [JobError("the functions of the job are not plain texts", where=where, remedy=plain)]
    functions, errors = _each(sorted(named), lambda name: read_function(name, named[name], where))
    return functions, [*errors, *unread(functions, steps, own, where)]


def _slower(function: Function) -> str:
    does = ", ".join(function.builtins)
    return f"{function.path}: SQL does this without Python, at a fraction of the cost: {does}"


def _each(names: list[str], read: Callable[[str], T]) -> tuple[list[T], list[JobError]]:
    """What was read, and what could not be."""
    tried = [_tried(name, read) for name in names]
    return [t for t in tried if not isinstance(t, JobError)], [t for t in tried if isinstance(t, JobError)]


def _tried(name: str, read: Callable[[str], T]) -> T | JobError:
    try:
        return read(name)
    except JobError as e:
        return e


def _endless(job: str, contract: Contract | None) -> list[JobError]:
    """State that never ends, as the job's lock tells; without a lock nothing is known, and nothing runs."""
    path = project.lock_path(job)
    if contract is None or not path.is_file():
        return []
    try:
        refuse_unbounded(json.loads(path.read_bytes())["plan"], contract)
    except JobError as e:
        return [e]
    except (ValueError, KeyError, TypeError):
        return [
            JobError(
                "this is not a lock",
                where=f"jobs/{path.name}",
                remedy="bring it back from version control; or remove it and run"
                f" `headrace plan {job} --accept`: a job that has state cannot go on from it then",
            )
        ]
    return []


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


def _documentation(found: list[Checked]) -> list[Text]:
    kept = sorted({key for c in found for key in c.documentation})
    return [Text(f"kept as documentation: {', '.join(kept)}", style="dim")] if kept else []


def _page(found: list[Checked]) -> Group:
    table = listing("kind", "name", "result", "holds")
    for c in found:
        count = counted(len(c.errors), "error")
        table.add_row(
            c.kind, c.name, Text(count, style="red") if c.errors else Text("ok", style="green"), c.holds
        )
    return Group(
        fitted(table, prose="holds"),
        *_documentation(found),
        *(Text(f"warning: {w}", style="yellow") for c in found for w in c.warnings),
        *(Text(f"error: {e}", style="red") for c in found for e in c.errors),
    )
