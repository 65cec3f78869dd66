"""``headrace verify`` of a derived table: rows read are rows counted, rows late, and rows that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from headrace import project
from headrace.cli.output import Format, emit, progress, unsqueezed
from headrace.contract.sql import instant
from headrace.errors import ConservationError, UsageError
from headrace.job.assemble import assemble
from headrace.job.declaration import Derive, find
from headrace.job.derive import DeriveProgram
from headrace.lake import cuts
from headrace.lake.conservation import counted, prove
from headrace.lake.ledger import Ledger
from headrace.replay.stale import patched_times

if TYPE_CHECKING:
    from headrace.lake._conserved import Conservation
    from headrace.lake.store import Warehouse

FINDINGS_SHOWN = 20


def verify_derived(warehouse: Warehouse, program: DeriveProgram, batch: int | None, fmt: Format) -> None:
    """Prove it, say so, and fail where it is not so."""
    with progress(f"verifying {program.job.name}"):
        found = conserved(warehouse, program, batch)
    emit(found.to_json(), fmt, lambda: _text(found))
    if found.verdict != "proved":
        raise ConservationError(
            found.sentence(),
            where=f"{found.table}, batch {found.cut.batch}",
            remedy=_remedy(found),
            findings=[str(f) for f in found.findings],
        )


def conserved(warehouse: Warehouse, program: DeriveProgram, batch: int | None = None) -> Conservation:
    """The proof for a derive job at its newest batch that can be judged, or at the one asked for."""
    job, read = program.job.name, program.reads[0]
    counting = counted(job, program.writes)
    cut = cuts.find(warehouse, Ledger(warehouse, job), [o.id for o in program.outputs], read.id, batch)
    return prove(warehouse, job, read, counting, cut, patched_times(warehouse, read))


def writer(table: str) -> DeriveProgram:
    """The derive job that writes a table: mostly the one of its name."""
    for name in sorted(project.job_names(), key=lambda n: n != table):
        job = find(name)
        program = assemble(job) if isinstance(job, Derive) and table in job.writes else None
        if isinstance(program, DeriveProgram):
            return program
    raise UsageError(f"no job writes table {table}", where="jobs/", remedy="name it in the writes of a job")


def _text(found: Conservation) -> Group:
    versions = ", ".join(f"{name} version {version}" for name, version in found.versions.items())
    numbers = Table("rows read", "counted", "late", "waiting")
    for column in numbers.columns:
        column.justify = "right"
    numbers.add_row(*(f"{n:,}" for n in (found.arrived, found.counted, found.late, found.waiting)))
    at = (
        "no watermark yet" if found.watermark is None else f"watermark {instant(found.watermark).isoformat()}"
    )
    said = [Text(str(f), style="red") for f in found.findings[:FINDINGS_SHOWN]]
    if len(found.findings) > FINDINGS_SHOWN:
        said.append(Text(f"and {len(found.findings) - FINDINGS_SHOWN:,} more: see -o json", style="red"))
    return Group(
        Text(f"rows of {found.read} against batch {found.cut.batch}: {versions}"),
        Text(f"checkpoint {found.cut.path}, {at}"),
        unsqueezed(numbers),
        *said,
        *([Text(f"verified: {found.sentence()}", style="green")] if found.verdict == "proved" else []),
    )


def _remedy(found: Conservation) -> str:
    if found.verdict == "unproved":
        return "verify again when the watermark has passed these windows and the batch is published"
    return (
        f"where rows of {found.read} were judged otherwise since (a rollback, a bounded replay):"
        f" headrace replay plan {found.table} --from ANCHOR; where none were, and"
        f" headrace verify {found.read} is proved: rows were lost or doubled behind the topic"
    )
