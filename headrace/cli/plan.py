"""``headrace plan``: everything that Flink would be told, and whether the lock still says the same."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from headrace import project, settings
from headrace.cli.output import Format, Output, emit, progress, unsqueezed
from headrace.job import lock
from headrace.job.assemble import named
from headrace.job.program import Placement, Program
from headrace.stack import files, local
from headrace.stack import flink as local_flink
from headrace.stack.progress import Progress
from headrace.table.state import kept, refuse_unbounded

SHOWN = 160
"""Characters of an operator's description; JSON has all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)


def plan(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")],
    accept: Annotated[
        bool, typer.Option("--accept", help="Compile (about 10 s) and write jobs/JOB.lock.json.")
    ] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Show every statement too.")] = False,
    fmt: Output = Format.text,
) -> None:
    """Show what a job would run: settings and their reasons, operators, and the state of its lock.

    Exit 3 when there is no lock, or the job has changed since it was written.

    Example: headrace plan flights --sql
    """
    program = named(job)
    before = lock.read(job)
    if accept:
        _accept(program)
    current = lock.read(job)
    emit(
        _as_json(program, current),
        fmt,
        lambda: _page(program, current, _told(program) if sql else [], _changes(before, current)),
    )
    lock.current(program)


def _accept(program: Program) -> None:
    with progress("compiling the job in a fresh process") as tell:
        compiled = lock.compile_lock(program, _flink_home(tell))
    refuse_unbounded(compiled.plan, program.contract)
    project.lock_path(program.job.name).write_text(compiled.to_json())


def _flink_home(tell: Progress) -> dict[str, str]:
    """Where Flink is: what the environment says, else the local stack's home, made but not started."""
    if "FLINK_HOME" in os.environ:
        return {}
    env = settings.load()
    local.prepare(env, files.folder(env.stack), tell)
    return local_flink.environment(env)


def _told(program: Program) -> list[str]:
    """Statements as they would be sent; what is fixed at submission stands in angle brackets."""
    env = settings.load()
    at = Placement(
        bootstrap=env.kafka.bootstrap,
        topic_prefix=env.kafka.topic_prefix,
        warehouse=env.store.warehouse,
        submission="<submission>",
        startup={c.id: {"scan.startup.mode": "<recorded start>"} for c in program.reads},
    )
    return [*program.tables(at), program.statement_set()]


def _changes(before: lock.Lock | None, after: lock.Lock | None) -> list[str]:
    """Operators that the accepted lock adds or drops."""
    if before is None or after is None or before == after:
        return []
    old, new = {n[:2] for n in before.nodes()}, {n[:2] for n in after.nodes()}
    return [f"new     {i} {kind}" for i, kind in sorted(new - old)] + [
        f"dropped {i} {kind}" for i, kind in sorted(old - new)
    ]


def _as_json(program: Program, found: lock.Lock | None) -> dict[str, Any]:
    remembered = _remembered(program, found)
    return {
        "job": program.job.name,
        "contract_version": program.contract.version,
        "outputs": [o.id for o in program.outputs],
        "lock": _state(program, found),
        "settings": {d.key: {"value": d.value, "why": d.why} for d in program.settings},
        "operators": [
            {"id": i, "type": t, "description": d, "state_until": remembered.get(i)}
            for i, t, d in (found.nodes() if found else [])
        ],
        "statements": _told(program),
    }


def _state(program: Program, found: lock.Lock | None) -> str:
    if found is None:
        return "missing"
    return "current" if found.digest == program.digest() else "stale"


def _remembered(program: Program, found: lock.Lock | None) -> dict[int, str]:
    """Operator → until when it keeps its state, in words; without those that keep none."""
    forever = f"for ever: {program.contract.unbounded_state}"
    return {k.id: k.until or forever for k in (kept(found.plan, program.contract) if found else [])}


def _cut(description: str) -> str:
    """The start of an operator's description: a source names every column and every rule."""
    return description if len(description) <= SHOWN else f"{description[:SHOWN]}…"


def _page(program: Program, found: lock.Lock | None, statements: list[str], changes: list[str]) -> Group:
    options = Table("setting", "value", "without it", title=f"job {program.job.name}", title_justify="left")
    for default in program.settings:
        options.add_row(default.key, default.value, default.why)
    remembered = _remembered(program, found)
    operators = Table(
        "id", "operator", "state until", title="operators, as the lock pins them", title_justify="left"
    )
    for number, _, description in found.nodes() if found else []:
        operators.add_row(str(number), _cut(description), remembered.get(number, ""))
    return Group(
        *(Syntax(s, "sql", word_wrap=True, background_color="default") for s in statements),
        unsqueezed(options),
        unsqueezed(operators),
        *(Text(c) for c in changes),
        Text(f"writes: {', '.join(o.id for o in program.outputs)}   lock: {_state(program, found)}"),
    )
