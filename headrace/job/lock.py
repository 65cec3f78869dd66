"""The lock: the compiled plan of a job with its operator ids, committed beside the declaration.

Operator ids come from a JVM-wide counter, so any earlier statement shifts them, and a savepoint then finds
other operators under its ids. A job is therefore compiled once and always executed from this file; when it
changes, each node of the new plan gets the id of the node here that means the same
(:mod:`headrace.job.state.gate`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter

from headrace import project
from headrace.cluster.rest import last_cause
from headrace.contract.meaning import meaning
from headrace.contract.model import Contract
from headrace.contract.rules import promised
from headrace.errors import DecisionNeeded, JobError
from headrace.job.program import Program
from headrace.job.state.gate import StateVerdict, pin
from headrace.job.state.meaning import FUNCTIONS, PROMISES, SOURCES
from headrace.ledger.records.plan import Plan, plan_digest
from headrace.report import REPORT, read_report

FORMAT = 2
_ACCEPTED = TypeAdapter(tuple[StateVerdict, ...])
Meanings = Mapping[str, Mapping[str, str]]
"""Contract → version → digest of its meaning."""


@dataclass(frozen=True)
class Lock:
    """A compiled plan and the digest of what it was compiled from."""

    digest: str
    plan: Plan
    next_id: int
    """The first node id that no plan of the job has used: a dropped id is never reused."""
    accepted: tuple[StateVerdict, ...] = ()
    """The accepted changes and losses of state, oldest first."""
    contracts: Meanings = field(default_factory=dict)
    """Every version of each contract for which a lock of the job was written, with the digest of its
    meaning."""

    def to_json(self) -> str:
        """The content of the file: stable, and readable in a review."""
        document = {
            "format": FORMAT,
            "digest": self.digest,
            "next_id": self.next_id,
            "accepted": [a.to_json() for a in self.accepted],
        }
        document["contracts"] = self.contracts
        return json.dumps({**document, "plan": self.plan}, indent=1) + "\n"

    @property
    def plan_digest(self) -> str:
        """SHA-256 of the plan alone."""
        return plan_digest(self.plan)

    def nodes(self) -> list[tuple[int, str, str]]:
        """``(id, type, description)`` of each node of the plan."""
        return [(n["id"], n["type"], str(n.get("description", ""))) for n in self.plan["nodes"]]


def read(job: str) -> Lock | None:
    """The lock of a job, or None.

    Raises:
        JobError: the file is not a lock, or is from an older headrace.
    """
    path = project.lock_path(job)
    if not path.is_file():
        return None
    try:
        raw = json.loads(path.read_text())
        fresh = max(n["id"] for n in raw["plan"]["nodes"]) + 1
        accepted = _ACCEPTED.validate_python(raw.get("accepted", ()))
        contracts = raw.get("contracts", {})
        lock = Lock(raw["digest"], raw["plan"], raw.get("next_id", fresh), accepted, contracts)
        if raw["format"] == FORMAT:
            return lock
    except (ValueError, KeyError, TypeError) as e:
        raise _not_a_lock(job) from e
    raise _not_a_lock(job)


def _not_a_lock(job: str) -> JobError:
    return JobError(
        f"this is not a lock of format {FORMAT}",
        where=f"jobs/{project.lock_path(job).name}",
        remedy="restore it from version control; or delete it and run"
        f" `headrace plan {job} --accept`: a job with state then cannot continue from that state",
    )


def require_current(program: Program, remedy: str = "") -> Lock:
    """The lock, if it is current for this program.

    Args:
        program: the job as it is declared now.
        remedy: what to do if it is not; default: plan the job.

    Raises:
        DecisionNeeded: there is no lock, or the program has changed since it was written.
    """
    name = program.job.name
    lock = read(name)
    if lock is None or not is_current(lock, program):
        raise DecisionNeeded(
            "the job has no lock yet" if lock is None else "the job has changed since its lock was written",
            where=f"jobs/{name}.lock.json",
            remedy=remedy
            or f"`headrace plan {name}`; if that is what you want, `headrace plan {name} --accept`",
        )
    return lock


def is_current(lock: Lock, program: Program) -> bool:
    """Whether a lock was written for this program, and its contracts still have the same meaning."""
    return lock.digest == program.digest() and not edited_contracts(lock, program)


def edited_contracts(lock: Lock, program: Program) -> list[Contract]:
    """The program's contracts whose meaning has changed without a new version."""
    known = [(c, lock.contracts.get(c.id, {}).get(c.version)) for c in program.contracts]
    return [c for c, meant in known if meant and meant != meaning(c)]


def refuse_same_version(program: Program) -> None:
    """Refuse an edited contract that kept its version: rows name the version that judged them.

    Raises:
        DecisionNeeded: names the contract.
    """
    lock, job = read(program.job.name), program.job.name
    if lock is None or not (changed := edited_contracts(lock, program)):
        return
    names = ", ".join(f"{c.id} {c.version}" for c in changed)
    raise DecisionNeeded(
        f"a contract has changed, but its version has not: {names} meant something else when"
        " the lock was written",
        where=", ".join(f"contracts/{c.path.name}" for c in changed),
        remedy="give it a new version, so that each row names the version that judged it. If no job has run"
        f" under this version, restore jobs/{job}.lock.json instead, and accept again",
    )


def carry_ids_over(lock: Lock | None, compiled: Lock) -> tuple[Lock, list[StateVerdict]]:
    """The lock that replaces another one: its nodes keep the ids of those that mean the same."""
    if lock is None:
        return compiled, []
    pinned = pin(lock.plan, compiled.plan, lock.next_id)
    contracts = {c: {**lock.contracts.get(c, {}), **now} for c, now in compiled.contracts.items()}
    own = replace(compiled, plan=pinned.plan, next_id=pinned.next_id, accepted=lock.accepted)
    return replace(own, contracts=contracts), pinned.verdicts


def function_code(program: Program) -> dict[str, str]:
    """Name of each Python function → its path and the digest of its code: a plan only has its name."""
    return {f.name: f"{f.path} {f.digest}" for f in program.functions}


def of(program: Program, compiled: Plan) -> Lock:
    """The lock of a newly compiled plan, with the facts that Flink's plan does not contain."""
    promises = {table: promised(c) for table, c in zip(program.sources, program.reads, strict=True)}
    sources = {table: facts.to_json() for table, facts in program.sources.items()}
    plan = {**compiled, SOURCES: sources, PROMISES: promises}
    if program.functions:
        plan[FUNCTIONS] = function_code(program)
    fresh = max(n["id"] for n in plan["nodes"]) + 1
    return Lock(program.digest(), plan, fresh, contracts=meanings(program))


def compile_lock(program: Program, environment: Mapping[str, str]) -> Lock:
    """Compile in a fresh process (about 10 s), which finds Flink's jars through ``environment``.

    Raises:
        HeadraceError: Flink does not accept a statement, which is named with its file and line; or the error
            of a contract or a function.
    """
    with tempfile.TemporaryDirectory() as folder:
        target, promises = Path(folder) / "plan.json", Path(folder) / "error.json"
        done = subprocess.run(
            [sys.executable, "-m", "headrace.job.compile", program.job.name, str(target)],
            capture_output=True,
            text=True,
            check=False,
            cwd=project.root(),
            env={**os.environ, **environment, REPORT: str(promises)},
        )
        if done.returncode != 0:
            raise read_report(promises) or JobError(
                f"the job does not compile: {last_cause(done.stderr) or 'no message'}",
                where=f"jobs/{program.job.name}.py",
                remedy=f"headrace check {program.job.name} checks the files; if they are valid,"
                " check JAVA_HOME and FLINK_HOME",
            )
        return of(program, json.loads(target.read_text()))


def meanings(program: Program) -> Meanings:
    """What the program's contracts mean now, by version."""
    return {c.id: {c.version: meaning(c)} for c in program.contracts}
