"""From a job's name or declaration to its program: the contracts and the SQL it names are read here."""

from __future__ import annotations

import difflib

from headrace import project
from headrace.contract.load import load_named
from headrace.contract.model import Contract, Late
from headrace.errors import HeadraceError, JobError, UsageError
from headrace.job.declaration import Derive, Job, find
from headrace.job.derive import DeriveProgram
from headrace.job.ingest import IngestProgram
from headrace.job.program import Program
from headrace.table.functions import read_function, unread
from headrace.table.steps import read_step


def named(job: str) -> Program:
    """The program of ``jobs/<job>.py``."""
    return assemble(find(job))


def writing(table: str) -> Program:
    """The program of the job that writes a table: its result, its quarantine, or its late rows.

    Raises:
        UsageError: no job does.
        HeadraceError: none was found, and a job could not be read: its own error.
    """
    unread: HeadraceError | None = None
    # Most tables begin with the name of their job.
    for name in sorted(project.job_names(), key=lambda n: (not table.startswith(n), -len(n), n)):
        try:
            program = named(name)
        except HeadraceError as e:
            unread = unread or e
            continue
        if table in {o.id for o in program.outputs}:
            return program
    if unread is not None:
        raise unread
    raise UsageError(f"no job writes table {table}", where="jobs/", remedy=_nearest(table))


def _nearest(table: str) -> str:
    """What the tables are called, the most similar one first."""
    known = sorted({o.id for name in project.job_names() for o in named(name).outputs})
    close = difflib.get_close_matches(table, known, 1)
    return f"did you mean {close[0]}?" if close else f"the tables here are: {', '.join(known)}"


def assemble(job: Job) -> Program:
    """The program of a declaration.

    Raises:
        ContractError: a contract that it names is wrong, or not there.
        JobError: a step is wrong, or the contracts do not fit the job.
    """
    if not isinstance(job, Derive):
        contract = load_named(job.contract)
        return IngestProgram(job, contract, (contract,))
    where = f"jobs/{job.name}.py"
    reads = tuple(_timed(load_named(name), where) for name in job.reads)
    writes = tuple(load_named(name) for name in job.writes)
    late = _late(writes, where)
    steps = tuple(read_step(job.name, name, writes[0]) for name in job.steps)
    functions = tuple(read_function(name, path, where) for name, path in sorted(job.functions.items()))
    if wrong := next(unread(functions, steps, job.name, where), None):
        raise wrong
    return DeriveProgram(job, writes[0], reads, steps, writes, late, functions=functions)


def _timed(read: Contract, where: str) -> Contract:
    if read.event_time is None or read.watermark_delay is None or read.max_future is None:
        raise JobError(
            f"contract {read.id} does not say how its event time advances",
            where=where,
            remedy="a derive job needs its eventTime, watermarkDelay, and maxFuture: else one absurd record"
            " would close every window",
        )
    return read


def _late(writes: tuple[Contract, ...], where: str) -> Late:
    """The one policy of all results: they are made of the same rows."""
    for contract in writes:
        if contract.kind == "ingest":
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
