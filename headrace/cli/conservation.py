"""``headrace verify`` of a derived table: rows read are rows counted, rows late, and rows that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from headrace.cli.output import Format, emit, fitted, listing, progress
from headrace.contract.sql import instant
from headrace.errors import ConservationError, NotProvable, UsageError
from headrace.job.assemble import writing
from headrace.job.derive import DeriveProgram
from headrace.ledger.ledger import Ledger
from headrace.operate import cut as cuts
from headrace.replay.stale import patched_times
from headrace.table.outputs import LATE
from headrace.verify.derived import counted, prove

if TYPE_CHECKING:
    from headrace.storage.warehouse import Warehouse
    from headrace.verify.conserved import Conservation

FINDINGS_SHOWN = 20


def verify_derived(
    warehouse: Warehouse, program: DeriveProgram, table: str, batch: int | None, fmt: Format
) -> None:
    """Prove the table that was asked for, say so, and fail where it is not so.

    Raises:
        NotProvable: nothing says how its rows stand for those that were read.
        ConservationError: they do not add up.
    """
    require_counted(program, table)
    with progress(f"verifying {table}"):
        found = conserved(warehouse, program, batch)
    emit({**found.to_json(), "table": table, "job": program.job.name}, fmt, lambda: _text(found, table))
    if found.verdict != "proved":
        raise ConservationError(
            found.sentence(),
            where=f"{table}, batch {found.cut.batch}",
            remedy=_remedy(found),
            findings=[str(f) for f in found.findings],
        )


def require_counted(program: DeriveProgram, table: str) -> None:
    """Refuse a table of the job that the proof of the job's rows says nothing about.

    Raises:
        NotProvable: its rows stand for none that were read, or nobody said how.
    """
    job, read = program.job.name, program.reads[0].id
    proved = [c.id for c in program.writes if c.counts]
    if proved and table in (*proved, f"{job}{LATE}"):
        return
    others = f"; `headrace verify {proved[0]}` proves {' and '.join(proved)}" if proved else ""
    if not proved or table in {c.id for c in program.writes}:
        contract = table if table in {c.id for c in program.writes} else job
        raise NotProvable(
            f"table {table} cannot be proved: nothing says how its rows stand for those that were read",
            where=f"contracts/{contract}.odcs.yaml",
            remedy="where each row that is read is counted once, add counts (a column that says how many, or"
            f" rows), eventTime and, for windows, window; pairs and patterns cannot be counted so{others}",
        )
    raise NotProvable(
        f"table {table} cannot be proved: only rows of the job's first topic, {read}, are counted, and these"
        " are late rows of another one",
        where=f"job {job}",
        remedy=f"its rows are late for {job} alone, and stand in the table of their own topic{others}",
    )


def conserved(warehouse: Warehouse, program: DeriveProgram, batch: int | None = None) -> Conservation:
    """The proof for a derive job at its newest batch that can be judged, or at the one asked for."""
    job, read = program.job.name, program.reads[0]
    counting = counted(job, program.writes)
    cut = cuts.find(warehouse, Ledger(warehouse, job), [o.id for o in program.outputs], read.id, batch)
    return prove(warehouse, job, read, counting, cut, patched_times(warehouse, read))


def deriving(table: str) -> DeriveProgram:
    """The derive job that writes a table: its result, or late rows.

    Raises:
        UsageError: none does.
    """
    program = writing(table)
    if not isinstance(program, DeriveProgram):
        job = program.job.name
        raise UsageError(f"{table} is not derived", where=f"job {job}", remedy=f"headrace verify {job}")
    return program


def _text(found: Conservation, table: str) -> Group:
    versions = ", ".join(f"{name} version {version}" for name, version in found.versions.items())
    names = ("rows read", *(f"counted in {name}" for name in found.in_each), "late", "waiting")
    numbers = listing(*names, numbers=names)
    counts = (found.arrived, *found.in_each.values(), found.late, found.waiting)
    numbers.add_row(*(f"{n:,}" for n in counts))
    at = (
        "no watermark yet" if found.watermark is None else f"watermark {instant(found.watermark).isoformat()}"
    )
    said = [Text(str(f), style="red") for f in found.findings[:FINDINGS_SHOWN]]
    if len(found.findings) > FINDINGS_SHOWN:
        said.append(Text(f"and {len(found.findings) - FINDINGS_SHOWN:,} more: see -o json", style="red"))
    return Group(
        Text(f"rows of {found.read} against batch {found.cut.batch}: {versions}"),
        Text(f"checkpoint {found.cut.path}, {at}"),
        fitted(numbers),
        *said,
        *([Text(_verified(found, table), style="green")] if found.verdict == "proved" else []),
    )


def _verified(found: Conservation, table: str) -> str:
    """What was proved, of which tables: where several count, not which of them a row belongs in."""
    others = [name for name in (*found.in_each, f"{found.table}{LATE}") if name != table]
    own = f"verified {table}, together with {' and '.join(others)}: {found.sentence()}"
    if len(found.in_each) == 1:
        return own
    return f"{own}. In which of {' and '.join(found.in_each)} a row is counted is not judged"


def _remedy(found: Conservation) -> str:
    if found.verdict == "unproved":
        return "verify again when the watermark has passed these windows and the batch is published"
    return (
        f"where rows of {found.read} were judged otherwise since (a rollback, a bounded replay), a replay"
        f" from before them: headrace anchor ls {writing(found.table).job.name} lists where one can begin;"
        f" where none were, and headrace verify {found.read} is proved: rows were lost or doubled behind the"
        " topic"
    )
