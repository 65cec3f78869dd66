"""The proof of a derived table on a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from headrace.cli.output import fitted, listing
from headrace.contract.sql import instant
from headrace.errors import ConservationError
from headrace.job.assemble import writing
from headrace.operate.verify import DerivedProof
from headrace.table.outputs import LATE
from headrace.verify.conserved import Conservation

FINDINGS_SHOWN = 20


def failed(result: DerivedProof) -> ConservationError:
    """The error of a command that was to prove it."""
    found = result.proof
    return ConservationError(
        found.sentence(),
        where=f"{result.table}, batch {found.cut.batch}",
        remedy=_remedy(found),
        findings=[str(f) for f in found.findings],
    )


def proof(found: Conservation, table: str) -> Group:
    """What was counted and found."""
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
