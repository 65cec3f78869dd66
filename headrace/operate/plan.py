"""Plan a job: what it would run and what happens to its state; and accept that by writing its lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from headrace import project
from headrace.errors import DecisionNeeded
from headrace.job import lock
from headrace.job.defaults import SOURCES
from headrace.job.program import Placement, Program
from headrace.job.state.gate import CHANGED, DROPPED, UNKNOWN, StateVerdict
from headrace.operate.parts.table_fit import TableFit, compare_tables
from headrace.operate.workspace import OpenJob, Workspace
from headrace.progress import Progress, silent
from headrace.settings import Settings
from headrace.table.state import refuse_unbounded, retained_state

LockState = Literal["missing", "stale", "current"]
"""Of a job's lock: there is none, it is of an earlier version of the job, or it is of this one."""


@dataclass(frozen=True)
class JobPlan:
    """What a job would run, and what happens to its state."""

    program: Program
    lock: lock.Lock | None
    """The committed lock, or the one just accepted."""
    verdicts: tuple[StateVerdict, ...]
    """Of each operator with state, if the job has changed since its lock was written."""
    tables: TableFit
    """Whether the published tables can follow the contracts."""
    statements: tuple[str, ...]
    """As they would be sent; values known only at submission are in angle brackets."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        program, until = self.program, state_retention(self.program, self.lock)
        return {
            "job": program.job.name,
            "contract_version": program.contract.version,
            "outputs": [o.id for o in program.outputs],
            "lock": lock_state(program, self.lock),
            "settings": {d.key: {"value": d.value, "why": d.why} for d in (*program.settings, *SOURCES)},
            "operators": [
                {"id": i, "type": t, "description": d, "state_until": until.get(i)}
                for i, t, d in (self.lock.nodes() if self.lock else [])
            ],
            "statements": list(self.statements),
            "state": [v.to_json() for v in self.verdicts],
            "tables": self.tables.to_json(),
        }

    def require_accepted(self) -> None:
        """Refuse a plan that cannot be run yet.

        Raises:
            DecisionNeeded: a table cannot follow its contract, a contract was edited without a new
                version, there is no lock, or the job has changed since it was written.
        """
        self.tables.refuse()
        lock.refuse_same_version(self.program)
        undecided = [v for v in self.verdicts if v.asks]
        lock.require_current(self.program, _accept_command(self.program.job.name, "", undecided))


def plan_job(workspace: Workspace, job: str, *, progress: Progress = silent) -> JobPlan:
    """Compare a job with its lock, compiling it if it has changed. Nothing is written.

    Raises:
        JobError: the job's declaration is wrong, or it does not compile.
    """
    open_job, before = workspace.job(job), lock.read(job)
    program, tables = open_job.program, compare_tables(open_job)
    verdicts: list[StateVerdict] = []
    if before is not None and not lock.is_current(before, program):
        _, verdicts = _follow(open_job, before, progress)
    return _plan(workspace, program, before, verdicts, tables)


def accept_plan(
    workspace: Workspace,
    job: str,
    *,
    losing: Sequence[int] = (),
    changing: Sequence[int] = (),
    progress: Progress = silent,
) -> JobPlan:
    """Compile a job, and write its lock.

    Args:
        workspace: of the environment.
        job: the job, as in jobs/JOB.py.
        losing: operators whose state may be lost.
        changing: operators whose state may continue with a new meaning.
        progress: called with what is being done.

    Raises:
        JobError: the job's declaration is wrong, or it does not compile.
        DecisionNeeded: state that was not named would be lost or change its meaning; or a table cannot
            follow its contract.
    """
    open_job, before = workspace.job(job), lock.read(job)
    program, tables = open_job.program, compare_tables(open_job)
    tables.refuse()
    lock.refuse_same_version(program)
    after, verdicts = _follow(open_job, before, progress)
    _write(program, after, verdicts, {DROPPED: list(losing), CHANGED: list(changing)})
    return _plan(workspace, program, after, verdicts, tables)


def lock_state(program: Program, job_lock: lock.Lock | None) -> LockState:
    """Whether a job has a lock that is of its present declaration."""
    if job_lock is None:
        return "missing"
    return "current" if lock.is_current(job_lock, program) else "stale"


def state_retention(program: Program, job_lock: lock.Lock | None) -> dict[int, str]:
    """Operator → how long it keeps its state, in words; without those that keep none."""
    forever = f"forever: {program.contract.unbounded_state}"
    return {
        k.id: k.until or forever
        for k in (retained_state(job_lock.plan, program.contract) if job_lock else [])
    }


def _plan(
    workspace: Workspace,
    program: Program,
    job_lock: lock.Lock | None,
    verdicts: list[StateVerdict],
    tables: TableFit,
) -> JobPlan:
    return JobPlan(
        program, job_lock, tuple(verdicts), tables, tuple(_statements(workspace.settings, program))
    )


def _follow(
    job: OpenJob, before: lock.Lock | None, progress: Progress
) -> tuple[lock.Lock, list[StateVerdict]]:
    """The lock that follows another one, and what happens to each operator with state."""
    progress(what="compiling the job in a fresh process")
    compiled = job.workspace.compile(job.program, progress)
    refuse_unbounded(compiled.plan, job.program.contract)
    return lock.carry_ids_over(before, compiled)


def _write(
    program: Program, after: lock.Lock, verdicts: list[StateVerdict], accepted: dict[str, list[int]]
) -> None:
    """Write the lock, if every operator that needs a decision was named.

    Raises:
        DecisionNeeded: one was not.
    """
    allowed = {(DROPPED, i) for i in accepted[DROPPED]} | {
        (v, i) for v in (CHANGED, UNKNOWN) for i in accepted[CHANGED]
    }
    undecided = [v for v in verdicts if v.asks and (v.verdict, v.id) not in allowed]
    job = program.job.name
    if undecided:
        given = "".join(f" --losing {i}" for i in accepted[DROPPED]) + "".join(
            f" --changing {i}" for i in accepted[CHANGED]
        )
        raise DecisionNeeded(
            "; ".join(f"{v.operator} ({v.id}) is {v.verdict}: {v.what}" for v in undecided),
            where=f"jobs/{job}.lock.json",
            remedy=_accept_command(job, given, undecided),
            state=[v.to_json() for v in verdicts],
        )
    decided = tuple(v for v in verdicts if v.asks)
    written = replace(after, accepted=(*after.accepted, *decided))
    project.lock_path(job).write_text(written.to_json())


def _accept_command(job: str, given: str, undecided: list[StateVerdict]) -> str:
    """The command that accepts what is still undecided, in addition to what was named."""
    options = "".join(f" {'--losing' if v.verdict == DROPPED else '--changing'} {v.id}" for v in undecided)
    return f"if that is what you want: `headrace plan {job} --accept{given}{options}`"


def _statements(env: Settings, program: Program) -> list[str]:
    """Statements as they would be sent; values known only at submission are in angle brackets."""
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
