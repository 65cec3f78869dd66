"""A job's plan on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.text import Text

from headrace.cli.layout import facts, fit_table, listing
from headrace.job import lock
from headrace.job.declaration import Derive
from headrace.job.defaults import SOURCES
from headrace.job.program import Program
from headrace.job.state.gate import StateVerdict
from headrace.operate.parts.table_fit import TableFit
from headrace.operate.plan import JobPlan, lock_state, state_retention
from headrace.table.outputs import Output as OutputTable

SHOWN = 44
"""Characters shown of an operator's description; JSON has all of them."""


def state_table(verdicts: Sequence[StateVerdict]) -> RenderableType:
    """What happens to each operator's state."""
    shown = listing(
        "id", "state", "operator", "what changes", numbers=["id"], title="what happens to its state"
    )
    short = short_descriptions(text for v in verdicts for text in (v.description, v.was))
    for v in verdicts:
        before = f"; it was {short[v.was]}" if v.was else ""
        shown.add_row(str(v.id), v.verdict, short[v.description], v.what + before)
    return fit_table(shown, prose="what changes")


def short_descriptions(descriptions: Iterable[str]) -> dict[str, str]:
    """Each operator's description in a few words: a source names every column and every rule.

    Its start; or, if another one starts alike, also the part where it differs from the most similar one.
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


def page(plan: JobPlan, *, sql: bool = False, settings_too: bool = False) -> Group:
    """All of a plan; its statements and settings only if requested."""
    program, job_lock = plan.program, plan.lock
    return Group(
        *(Syntax(s, "sql", word_wrap=True, background_color="default") for s in plan.statements if sql),
        *([settings_table(program), Text()] if settings_too else []),
        facts(_pipeline(program, job_lock) | {"tables": _tables(plan.tables)}, indent=12),
        *([Text(), _operators(program, job_lock)] if job_lock else []),
        *([Text(), state_table(plan.verdicts)] if plan.verdicts else []),
    )


def _pipeline(program: Program, job_lock: lock.Lock | None) -> dict[str, str]:
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
        "stale": "of an earlier version of the job: --accept writes a new one",
        "current": f"jobs/{job.name}.lock.json matches this job",
    }[lock_state(program, job_lock)]
    lines["settings"] = f"{len(program.settings) + len(SOURCES)} of Flink's: --settings shows them"
    return lines


def _tables(tables: TableFit) -> str:
    """Whether the tables can follow the contracts."""
    if tables.unreached:
        return (
            f"not compared with {tables.warehouse}; `run` and `publish` will compare them: {tables.unreached}"
        )
    if tables.misfits:
        return f"{', '.join(dict.fromkeys(m.table for m in tables.misfits))} cannot follow"
    return f"compared with {tables.warehouse}: nothing published or staged conflicts"


def _written(output: OutputTable, own: str) -> str:
    key = f", the newest row of each {', '.join(output.key)}" if output.mode == "amend" else ""
    kind = output.id.removeprefix(own).strip("_").partition("_")[0]
    holds = {"quarantine": " that broke the contract", "late": " that came too late"}.get(kind, "")
    return f"table {output.id}: {'records' if kind == 'quarantine' else 'rows'}{holds}{key}"


def settings_table(program: Program) -> RenderableType:
    """Flink's settings, and the reason for each."""
    shown = listing("setting", "value", "why", title=f"Flink's settings of job {program.job.name}")
    for default in (*program.settings, *SOURCES):
        shown.add_row(default.key, default.value, default.why)
    return fit_table(shown, prose="why")


def _operators(program: Program, job_lock: lock.Lock) -> RenderableType:
    until = state_retention(program, job_lock)
    shown = listing("id", "operator", "state until", numbers=["id"], title="operators, as the lock pins them")
    nodes = job_lock.nodes()
    short = short_descriptions(description for _, _, description in nodes)
    for number, _, description in nodes:
        shown.add_row(str(number), short[description], until.get(number, ""))
    return fit_table(shown, prose="state until")
