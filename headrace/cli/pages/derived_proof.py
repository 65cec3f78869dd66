"""The proof of a derived table on a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from headrace.cli.layout import fit_table, listing
from headrace.contract.sql import instant
from headrace.errors import ConservationError
from headrace.operate.verify import DerivedProof
from headrace.table.outputs import LATE
from headrace.verify.conserved import Conservation

FINDINGS_SHOWN = 20


def proof_error(result: DerivedProof) -> ConservationError:
    """The error for a table that is not proved."""
    conservation = result.proof
    return ConservationError(
        conservation.sentence(),
        where=f"{result.table}, batch {conservation.cut.batch}",
        remedy=_remedy(result),
        findings=[str(f) for f in conservation.findings],
    )


def proof(conservation: Conservation, table: str) -> Group:
    """What was counted, and the findings."""
    versions = ", ".join(f"{name} version {version}" for name, version in conservation.versions.items())
    names = ("rows read", *(f"counted in {name}" for name in conservation.counted_in), "late", "waiting")
    numbers = listing(*names, numbers=names)
    counts = (
        conservation.arrived,
        *conservation.counted_in.values(),
        conservation.late,
        conservation.waiting,
    )
    numbers.add_row(*(f"{n:,}" for n in counts))
    at = (
        "no watermark yet"
        if conservation.watermark is None
        else f"watermark {instant(conservation.watermark).isoformat()}"
    )
    findings = [Text(str(f), style="red") for f in conservation.findings[:FINDINGS_SHOWN]]
    if len(conservation.findings) > FINDINGS_SHOWN:
        findings.append(
            Text(f"and {len(conservation.findings) - FINDINGS_SHOWN:,} more: see -o json", style="red")
        )
    return Group(
        Text(f"rows of {conservation.read} against batch {conservation.cut.batch}: {versions}"),
        Text(f"checkpoint {conservation.cut.path}, {at}"),
        fit_table(numbers),
        *findings,
        *([Text(_verified(conservation, table), style="green")] if conservation.verdict == "proved" else []),
    )


def _verified(conservation: Conservation, table: str) -> str:
    """What was proved, and of which tables; if several count rows, not which of them a row belongs in."""
    others = [name for name in (*conservation.counted_in, f"{conservation.table}{LATE}") if name != table]
    own = f"verified {table}, together with {' and '.join(others)}: {conservation.sentence()}"
    if len(conservation.counted_in) == 1:
        return own
    return f"{own}. Which of {' and '.join(conservation.counted_in)} counts a row is not checked"


def _remedy(result: DerivedProof) -> str:
    conservation = result.proof
    if conservation.verdict == "unproved":
        return "verify again when the watermark has passed these windows and the batch is published"
    return (
        f"if rows of {conservation.read} were judged differently since (a rollback, a bounded replay),"
        f" replay from before them: headrace anchor ls {result.job} lists where a"
        f" replay can begin; if none were, and headrace verify {conservation.read} is proved: rows were lost"
        " or duplicated after the topic"
    )
