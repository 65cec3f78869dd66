"""Builds a job's program from its name or declaration: reads the contracts and the SQL that it names."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from headrace import project
from headrace.contract.load import load_contract
from headrace.contract.model import Contract, Late
from headrace.errors import HeadraceError, JobError, UsageError
from headrace.job.declaration import Derive, Job
from headrace.job.derive import DeriveProgram
from headrace.job.ingest import IngestProgram
from headrace.job.job_file import load_job_file
from headrace.job.program import Program
from headrace.table.functions import Function, read_function, unread
from headrace.table.steps import read_step

Load = Callable[[str], tuple[Contract | None, Sequence[HeadraceError]]]
"""Reads a contract: returns it, or its errors."""
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class Examined:
    """A declaration with everything that it names."""

    program: Program | None
    """None if something is wrong."""
    errors: Sequence[HeadraceError]
    """All errors that could be found in one run."""
    functions: tuple[Function, ...] = ()
    """The functions that could be read."""


def _load(name: str) -> tuple[Contract | None, Sequence[HeadraceError]]:
    try:
        return load_contract(name), ()
    except HeadraceError as e:
        return None, (e,)


def load_program(job: str) -> Program:
    """The program of ``jobs/<job>.py``.

    Raises:
        UsageError: there is no such file.
        HeadraceError: the first error that :func:`examine_job` finds.
    """
    file = load_job_file(job)
    return _program(examine_job(file.job, file.where))


def load_program_of_table(table: str) -> Program:
    """The program of the job that writes a table: its result, its quarantine, or its late rows.

    Raises:
        UsageError: no job writes it.
        HeadraceError: no job was found, and one could not be read: that job's error.
    """
    first_error: HeadraceError | None = None
    # Most tables begin with the name of their job.
    for name in sorted(project.job_names(), key=lambda n: (not table.startswith(n), -len(n), n)):
        try:
            program = load_program(name)
        except HeadraceError as e:
            first_error = first_error or e
            continue
        if table in {o.id for o in program.outputs}:
            return program
    if first_error is not None:
        raise first_error
    raise UsageError(f"no job writes table {table}", where="jobs/", remedy=_nearest(table))


def _nearest(table: str) -> str:
    """The most similar table name, or else all of them."""
    known = sorted({o.id for name in project.job_names() for o in load_program(name).outputs})
    close = difflib.get_close_matches(table, known, 1)
    return f"did you mean {close[0]}?" if close else f"the tables here are: {', '.join(known)}"


def assemble(job: Job) -> Program:
    """The program of a declaration.

    Raises:
        HeadraceError: the first error that :func:`examine_job` finds.
    """
    return _program(examine_job(job, f"jobs/{job.name}.py"))


def _program(examined: Examined) -> Program:
    if examined.program is None:
        raise examined.errors[0]
    return examined.program


def examine_job(job: Job, where: str, load: Load = _load) -> Examined:
    """Read the contracts, steps and functions of a job, and check whether they fit together.

    Args:
        job: the declaration.
        where: the file, with its line if known.
        load: reads the contract with a name.
    """
    tries = _Tries()
    if isinstance(job, Derive):
        return _derive(job, where, load, tries)
    contracts = _contracts([job.contract], where, load, tries)
    ingested = tries.each(contracts, lambda contract: _of_topic(contract, where))
    program = None if tries.errors else IngestProgram(job, ingested[0], tuple(ingested))
    return Examined(program, tries.errors)


def _derive(job: Derive, where: str, load: Load, tries: _Tries) -> Examined:
    contracts = {c.id: c for c in _contracts([*job.writes, *job.reads], where, load, tries)}
    reads = tries.each([contracts[n] for n in job.reads if n in contracts], lambda c: _timed(c, where))
    writes = tuple(contracts[n] for n in job.writes if n in contracts)
    late = tries.each([writes] if len(writes) == len(job.writes) else [], lambda w: _late(w, where))
    own = contracts.get(job.name)
    steps = tries.each(job.steps, lambda name: read_step(job.name, name, own)) if own else []
    functions = tries.each(sorted(job.functions), lambda n: read_function(n, job.functions[n], where))
    if len(steps) == len(job.steps):
        tries.errors += unread(functions, steps, job.name, where)
    program = None
    if not tries.errors:
        program = DeriveProgram(
            job, writes[0], tuple(reads), tuple(steps), writes, late[0], functions=tuple(functions)
        )
    return Examined(program, tries.errors, tuple(functions))


class _Tries:
    """Reads one thing after the other and collects the errors, so that one run shows all of them."""

    def __init__(self) -> None:
        self.errors: list[HeadraceError] = []

    def each(self, given: Iterable[S], read: Callable[[S], T]) -> list[T]:
        """The results that could be read."""
        tried = [self._one(one, read) for one in given]
        return [result for results in tried for result in results]

    def _one(self, given: S, read: Callable[[S], T]) -> tuple[T, ...]:
        """The result; empty if it failed."""
        try:
            return (read(given),)
        except HeadraceError as e:
            self.errors.append(e)
            return ()


def _contracts(names: Sequence[str], where: str, load: Load, tries: _Tries) -> list[Contract]:
    """The contracts with these names that exist and can be read."""
    known = tries.each(dict.fromkeys(names), lambda name: _known(name, where))
    contracts = []
    for contract, errors in map(load, known):
        tries.errors += errors
        contracts += [contract] if contract else []
    return contracts


def _known(contract: str, where: str) -> str:
    if contract not in (names := project.contract_names()):
        remedy = f"the contracts are: {', '.join(names) or 'none yet'}"
        raise JobError(f"there is no contract {contract!r}", where=where, remedy=remedy)
    return contract


def _of_topic(contract: Contract, where: str) -> Contract:
    if not contract.has_topic:
        raise JobError(
            f"{contract.id} is the contract of a derived table: it has no topic to ingest",
            where=where,
            remedy="write JOB = Derive(reads=[…], steps=[…], writes=[…])",
        )
    return contract


def _timed(read: Contract, where: str) -> Contract:
    if read.event_time is None or read.watermark_delay is None or read.max_future is None:
        raise JobError(
            f"contract {read.id} does not define how its event time advances",
            where=where,
            remedy="a derive job needs its eventTime, watermarkDelay, and maxFuture: else one absurd record"
            " would close every window",
        )
    return read


def _late(writes: tuple[Contract, ...], where: str) -> Late:
    """The common policy of all results: they are computed from the same rows."""
    for contract in writes:
        if contract.has_topic:
            raise JobError(
                f"{contract.id} is the contract of a topic: an ingest job writes its table",
                where=where,
                remedy="give the result a contract of its own, with physicalType: table",
            )
    policies = [contract.late for contract in writes if contract.late]
    if len(set(policies)) > 1:
        raise JobError(
            f"{writes[0].id} and {writes[1].id} do not agree on late rows",
            where=where,
            remedy="give all results of a job the same latePolicy and allowedLateness",
        )
    return policies[0]
