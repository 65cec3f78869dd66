"""The only reader of files in ``jobs/``: it parses them, so that no command executes a project's code.

``headrace check`` and every command that needs a job's declaration read it here, with the same messages. Only
Flink's client executes the file, and passes its ``JOB`` to :func:`headrace.job.run`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from headrace import project
from headrace.errors import JobError, UsageError
from headrace.job.declaration import Derive, Ingest, Job

WRITE = 'write JOB = Ingest(contract="…"), or JOB = Derive(reads=[…], steps=[…], writes=[…])'
_KINDS: Mapping[str, type[Ingest | Derive]] = {"Ingest": Ingest, "Derive": Derive}
_LISTS = ("reads", "steps", "writes")


@dataclass(frozen=True)
class JobFile:
    """The declaration in a job file, and its place."""

    job: Job
    where: str
    """The file and the line of the declaration."""


def require_job_file(name: str) -> Path:
    """The path of a job's file, unread: for commands on a running job, whose file may be broken by now.

    Raises:
        UsageError: there is no such file.
    """
    path = project.root() / "jobs" / f"{project.require_name(name)}.py"
    if not path.is_file():
        known = ", ".join(project.job_names()) or "none"
        raise UsageError(f"there is no job {name!r}", where="jobs/", remedy=f"the jobs here are: {known}")
    return path


def load_job(name: str) -> Job:
    """The ``JOB`` of ``jobs/<name>.py``; as :func:`load_job_file`."""
    return load_job_file(name).job


def load_job_file(name: str) -> JobFile:
    """What ``jobs/<name>.py`` declares.

    Raises:
        UsageError: there is no such file.
        JobError: it is not a plain declaration, or that of a job of another name.
    """
    file = read(require_job_file(name))
    if wrong := name_error(file, name):
        raise wrong
    return file


def name_error(file: JobFile, name: str) -> JobError | None:
    """The error if the file does not have the name of the job that it declares."""
    if file.job.name == name:
        return None
    return JobError(
        f"the job is named {file.job.name!r} by its contract, the file {name!r}",
        where=file.where,
        remedy=f"name the file jobs/{file.job.name}.py: one job per table",
    )


def read(path: Path) -> JobFile:
    """The declaration in a job file.

    Raises:
        JobError: the file is not Python, or has no ``JOB`` that is written out.
    """
    place = f"jobs/{path.name}"
    try:
        tree = ast.parse(path.read_bytes(), filename=path.name)
    except (SyntaxError, ValueError) as e:
        line = getattr(e, "lineno", None) or 1
        raise JobError(
            f"not Python: {getattr(e, 'msg', e)}", where=f"{place}:{line}", remedy="correct it"
        ) from e
    value = next(filter(None, map(_job_value, reversed(tree.body))), None)
    where = f"{place}:{value.lineno if value is not None else 1}"
    if not isinstance(value, ast.Call) or _called(value) not in _KINDS:
        raise JobError("the file declares no job", where=where, remedy=WRITE)
    job = _job(_KINDS[_called(value)], value, where)
    try:
        _ = job.checkpoint_interval
    except JobError as e:
        raise JobError(e.what, where=where, remedy=e.remedy) from e
    return JobFile(job, where)


def _job(kind: type[Ingest | Derive], call: ast.Call, where: str) -> Job:
    """The declaration that the call makes."""
    given = _arguments(kind, call, where)
    if kind is Ingest:
        return Ingest(**{name: _text(name, value, where) for name, value in given.items()})
    lists = {name: _texts(name, given.get(name), where) for name in _LISTS}
    if len(lists["writes"]) > len(lists["steps"]):
        raise JobError(
            f"the job writes {len(lists['writes'])} tables by {len(lists['steps'])} steps",
            where=where,
            remedy="each table needs a step of its own: the last steps, in the order of writes",
        )
    functions = _functions(given.get("functions"), where)
    every = given.get("checkpoint_every")
    job = Derive(lists["reads"], lists["steps"], lists["writes"], functions=functions)
    return job if every is None else replace(job, checkpoint_every=_text("checkpoint_every", every, where))


def _arguments(kind: type[Ingest | Derive], call: ast.Call, where: str) -> dict[str, ast.expr]:
    """Each argument's expression, by its name; a missing contract is None, which is not a string."""
    known = [f.name for f in fields(kind)]
    given: dict[str, ast.expr] = {known[0]: ast.Constant(None)} if kind is Ingest else {}
    given |= dict(zip(known, call.args, strict=False))
    given |= {k.arg or "**": k.value for k in call.keywords}
    unknown = [name for name in given if name not in known]
    if unknown or len(call.args) > len(known):
        what = unknown[0] if unknown else f"number {len(known) + 1}"
        remedy = f"its arguments are: {', '.join(known)}"
        raise JobError(f"{kind.__name__} has no argument {what}", where=where, remedy=remedy)
    return given


def _text(name: str, value: ast.expr, where: str) -> str:
    if not isinstance(text := _literal(value), str):
        raise JobError(f"the {name} of the job is not a literal string", where=where, remedy=WRITE)
    return text


def _texts(name: str, value: ast.expr | None, where: str) -> list[str]:
    texts = _literal(value) if value is not None else []
    if not isinstance(texts, list | tuple) or not all(isinstance(t, str) for t in texts):
        raise JobError(f"the {name} of the job are not a list of literal strings", where=where, remedy=WRITE)
    if not texts:
        raise JobError(f"the job has no {name}", where=where, remedy=WRITE)
    return list(texts)


def _functions(value: ast.expr | None, where: str) -> dict[str, str]:
    functions = _literal(value) if value is not None else {}
    if not isinstance(functions, dict) or not all(isinstance(t, str) for kv in functions.items() for t in kv):
        remedy = 'write functions={"name": "udfs.module.constant"}'
        raise JobError("the functions of the job are not literal strings", where=where, remedy=remedy)
    return functions


def _literal(value: ast.expr) -> Any:
    """The literal value; None if it would have to be computed."""
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, RecursionError):
        return None


def _job_value(node: ast.stmt) -> ast.expr | None:
    """The value that the statement assigns to ``JOB``, if any."""
    if isinstance(node, ast.Assign):
        targets: list[ast.expr] = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return None
    return node.value if any(isinstance(t, ast.Name) and t.id == "JOB" for t in targets) else None


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
