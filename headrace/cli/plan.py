"""``headrace plan``: everything that Flink would be told, and whether the lock still says the same."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.text import Text

from headrace import project
from headrace.cli.context import workspace_of
from headrace.cli.following import Compared, compared
from headrace.cli.output import Format, Output, emit, facts, fitted, listing, progress
from headrace.errors import DecisionNeeded, UsageError
from headrace.job import lock
from headrace.job.assemble import named
from headrace.job.declaration import Derive
from headrace.job.defaults import SOURCES
from headrace.job.program import Placement, Program
from headrace.job.state.gate import CHANGED, DROPPED, UNKNOWN, Verdict
from headrace.progress import Progress
from headrace.settings import Settings
from headrace.stack import files, local
from headrace.stack import flink as local_flink
from headrace.table.outputs import Output as OutputTable
from headrace.table.state import kept, refuse_unbounded

SHOWN = 44
"""Characters of an operator's description; JSON has all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)


def plan(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")],
    accept: Annotated[
        bool, typer.Option("--accept", help="Compile (about 10 s) and write jobs/JOB.lock.json.")
    ] = False,
    losing: Annotated[
        list[int] | None,
        typer.Option("--losing", metavar="ID", help="With --accept: that operator's state may be lost."),
    ] = None,
    changing: Annotated[
        list[int] | None,
        typer.Option(
            "--changing", metavar="ID", help="With --accept: its state may go on with a new meaning."
        ),
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Show every statement too.")] = False,
    settings_too: Annotated[
        bool, typer.Option("--settings", help="Show Flink's settings too, and why each is as it is.")
    ] = False,
    fmt: Output = Format.text,
) -> None:
    """Show what a job would run: what it reads and writes, its operators, and what becomes of its state.

    Of each operator with state, when the job has changed: kept, new, dropped, changed, or unknown. What is
    lost or changes its meaning has to be named to be accepted.

    The warehouse is asked whether its tables, and what is staged for them, can follow the contracts. Where it
    does not answer, the plan says that they were not compared.

    Exit 3 when there is no lock, or the job has changed since it was written; where a contract was edited
    under the version that it had; and where a table cannot follow its contract.

    Example: headrace plan departures_hourly --accept --changing 8
    """
    program, workspace = named(job), workspace_of(ctx)
    before = lock.read(job)
    tables = compared(workspace, program)
    if accept:
        tables.refuse()
        lock.refuse_same_version(program)
    after, verdicts = before, list[Verdict]()
    if accept or (before is not None and not lock.is_of(before, program)):
        with progress("compiling the job in a fresh process") as tell:
            compiled = workspace.compiled(program, _flink_home(workspace.settings, job, tell))
        refuse_unbounded(compiled.plan, program.contract)
        after, verdicts = lock.follow(before, compiled)
    if accept and after:
        _accept(program, after, verdicts, {DROPPED: losing or [], CHANGED: changing or []})
    shown = after if accept else before
    emit(
        {
            **_as_json(workspace.settings, program, shown),
            "state": [v.to_json() for v in verdicts],
            "tables": tables.to_json(),
        },
        fmt,
        lambda: _page(
            program,
            shown,
            _told(workspace.settings, program) if sql else [],
            verdicts,
            tables,
            settings_too=settings_too,
        ),
    )
    tables.refuse()
    lock.refuse_same_version(program)
    lock.current(program, _accepting(job, "", [v for v in verdicts if v.asks]))


def _accept(
    program: Program, after: lock.Lock, verdicts: list[Verdict], named_: dict[str, list[int]]
) -> None:
    """Write the lock, if all that asks for it was named.

    Raises:
        DecisionNeeded: something was not.
    """
    allowed = {(DROPPED, i) for i in named_[DROPPED]} | {
        (v, i) for v in (CHANGED, UNKNOWN) for i in named_[CHANGED]
    }
    open_ = [v for v in verdicts if v.asks and (v.verdict, v.id) not in allowed]
    job = program.job.name
    if open_:
        given = "".join(f" --losing {i}" for i in named_[DROPPED]) + "".join(
            f" --changing {i}" for i in named_[CHANGED]
        )
        raise DecisionNeeded(
            "; ".join(f"{v.operator} ({v.id}) is {v.verdict}: {v.what}" for v in open_),
            where=f"jobs/{job}.lock.json",
            remedy=_accepting(job, given, open_),
            state=[v.to_json() for v in verdicts],
        )
    taken = tuple(v.to_json() for v in verdicts if v.asks)
    written = replace(after, accepted=(*after.accepted, *taken))
    project.lock_path(job).write_text(written.to_json())


def _accepting(job: str, given: str, open_: list[Verdict]) -> str:
    """The command that accepts what is still open, beside what was named."""
    options = "".join(f" {'--losing' if v.verdict == DROPPED else '--changing'} {v.id}" for v in open_)
    return f"if that is what you want: `headrace plan {job} --accept{given}{options}`"


def _flink_home(env: Settings, job: str, tell: Progress) -> dict[str, str]:
    """Where Flink is: what the environment says, else the local stack's home, made but not started.

    Raises:
        UsageError: the environment names another folder.
    """
    if (home := os.environ.get("FLINK_HOME")) is not None:
        if not any(Path(home, "lib").glob("flink-dist*.jar")):
            raise UsageError(
                "FLINK_HOME names a folder without Flink",
                where=home,
                remedy=f"unset it: `headrace plan {job} --accept` makes a home of its own",
            )
        return {}
    local.prepare(env, files.folder(env.stack), tell)
    return local_flink.environment(env)


def _told(env: Settings, program: Program) -> list[str]:
    """Statements as they would be sent; what is fixed at submission stands in angle brackets."""
    at = Placement(
        bootstrap=env.kafka.bootstrap,
        topic_prefix=env.kafka.topic_prefix,
        warehouse=env.store.warehouse,
        submission="<submission>",
        startup={
            c.id: {"scan.startup.mode": "<recorded start>", **{d.key: d.value for d in SOURCES}}
            for c in program.reads
        },
    )
    return [*program.tables(at), program.statement_set()]


def _as_json(env: Settings, program: Program, found: lock.Lock | None) -> dict[str, Any]:
    remembered = _remembered(program, found)
    return {
        "job": program.job.name,
        "contract_version": program.contract.version,
        "outputs": [o.id for o in program.outputs],
        "lock": _state(program, found),
        "settings": {d.key: {"value": d.value, "why": d.why} for d in (*program.settings, *SOURCES)},
        "operators": [
            {"id": i, "type": t, "description": d, "state_until": remembered.get(i)}
            for i, t, d in (found.nodes() if found else [])
        ],
        "statements": _told(env, program),
    }


def _state(program: Program, found: lock.Lock | None) -> str:
    if found is None:
        return "missing"
    return "current" if lock.is_of(found, program) else "stale"


def _remembered(program: Program, found: lock.Lock | None) -> dict[int, str]:
    """Operator → until when it keeps its state, in words; without those that keep none."""
    forever = f"for ever: {program.contract.unbounded_state}"
    return {k.id: k.until or forever for k in (kept(found.plan, program.contract) if found else [])}


def _fates(verdicts: list[Verdict]) -> RenderableType:
    shown = listing(
        "id", "state", "operator", "what changes", numbers=["id"], title="what becomes of its state"
    )
    short = shortened(text for v in verdicts for text in (v.description, v.was))
    for v in verdicts:
        before = f"; it was {short[v.was]}" if v.was else ""
        shown.add_row(str(v.id), v.verdict, short[v.description], v.what + before)
    return fitted(shown, prose="what changes")


def shortened(descriptions: Iterable[str]) -> dict[str, str]:
    """Each operator's description in a few words: a source names every column and every rule.

    Its start; or where another one starts alike, the part that sets it apart from the one most like it.
    """
    every = set(descriptions)
    return {d: d if len(d) <= SHOWN else _cut(d, every - {d}) for d in every}


def _cut(description: str, others: Iterable[str]) -> str:
    start, half = description[:SHOWN], SHOWN // 2
    twins = [o for o in others if o.startswith(start)]
    for apart in sorted({_alike(description, twin) for twin in twins}, reverse=True):
        word = 1 + max(description.rfind(sign, 0, apart) for sign in " [(.")
        for at in (word, apart - half // 2):  # from the word that differs; or, if it is long, from inside it
            begins = max(half, min(at, len(description) - half))
            part = description[begins : begins + half]
            if not any(part in twin for twin in twins):
                return f"{description[:half]}…{part}{'…' if begins + half < len(description) else ''}"
    return f"{start}…"


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _page(
    program: Program,
    found: lock.Lock | None,
    statements: list[str],
    verdicts: list[Verdict],
    tables: Compared,
    *,
    settings_too: bool = False,
) -> Group:
    return Group(
        *(Syntax(s, "sql", word_wrap=True, background_color="default") for s in statements),
        *([_settings(program), Text()] if settings_too else []),
        facts(_pipeline(program, found) | {"tables": tables.sentence()}, indent=12),
        *([Text(), _operators(program, found)] if found else []),
        *([Text(), _fates(verdicts)] if verdicts else []),
    )


def _pipeline(program: Program, found: lock.Lock | None) -> dict[str, str]:
    """What the job reads, does and writes, in words."""
    job = program.job
    lines = {
        "job": f"{job.name}, with a checkpoint every {job.checkpoint_every}",
        "reads": "\n".join(f"topic {c.topic}, by contract {c.id} {c.version}" for c in program.reads),
    }
    if isinstance(job, Derive):
        lines["steps"] = "\n".join(f"sql/{job.name}/{step}.sql" for step in job.steps)
        lines |= {"calls": "\n".join(job.functions.values())} if job.functions else {}
    lines["writes"] = "\n".join(_written(o, program.contract.id) for o in program.outputs[::-1])
    lines["lock"] = {
        "missing": f"none yet: `headrace plan {job.name} --accept` compiles the job and writes it",
        "stale": "of an earlier version of the job: --accept writes it anew",
        "current": f"jobs/{job.name}.lock.json is that of this very job",
    }[_state(program, found)]
    lines["settings"] = f"{len(program.settings) + len(SOURCES)} of Flink's: --settings shows them"
    return lines


def _written(output: OutputTable, own: str) -> str:
    key = f", the newest row of each {', '.join(output.key)}" if output.mode == "amend" else ""
    kind = output.id.removeprefix(own).strip("_").partition("_")[0]
    holds = {"quarantine": " that broke the contract", "late": " that came too late"}.get(kind, "")
    return f"table {output.id}: {'records' if kind == 'quarantine' else 'rows'}{holds}{key}"


def _settings(program: Program) -> RenderableType:
    shown = listing("setting", "value", "why", title=f"Flink's settings of job {program.job.name}")
    for default in (*program.settings, *SOURCES):
        shown.add_row(default.key, default.value, default.why)
    return fitted(shown, prose="why")


def _operators(program: Program, found: lock.Lock) -> RenderableType:
    remembered = _remembered(program, found)
    shown = listing("id", "operator", "state until", numbers=["id"], title="operators, as the lock pins them")
    nodes = found.nodes()
    short = shortened(description for _, _, description in nodes)
    for number, _, description in nodes:
        shown.add_row(str(number), short[description], remembered.get(number, ""))
    return fitted(shown, prose="state until")
