"""The proof of a topic's table on a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from headrace.cli.layout import fit_table, listing
from headrace.errors import ConservationError
from headrace.operate.verify import TopicProof
from headrace.verify.findings import Verification, partition_label

FILES_SHOWN = 20
EXPIRED = "offsets that Kafka no longer holds, so that only duplicates can be found there"


def page(result: TopicProof, *, newest: bool) -> Group:
    """What was counted, and the findings; ``newest`` if no batch was requested."""
    lines = [
        f"gone or changed, its rows counted as the ledger records them: {address}"
        for address in result.unverified_files
    ]
    if newest and result.newest_batch > result.proof.batch:
        lines.append(f"batch {result.newest_batch} is newer, and changed no table")
    return Group(proof(result.proof, result.table), *map(Text, lines))


def proof_error(result: TopicProof) -> ConservationError:
    """The error for a table that is not proved."""
    verification = result.proof
    return ConservationError(
        verification.sentence(),
        where=f"{result.table}, batch {verification.batch}",
        remedy=_remedy(verification),
        findings=[str(f) for f in verification.findings],
    )


def proof(verification: Verification, table: str) -> Group:
    """What was counted, and the findings."""
    places = [f"  {p}" for p in verification.places[:FILES_SHOWN]]
    if len(verification.places) > FILES_SHOWN:
        places.append(f"  and {len(verification.places) - FILES_SHOWN:,} more files: see -o json")
    return Group(
        Text(f"topic {verification.topic} against batch {verification.batch}: " + _versions(verification)),
        _numbers(verification),
        *(Text(f"{verification.table} {f}", style="red") for f in verification.findings),
        *map(Text, places),
        *([Text(_verified(verification, table), style="green")] if verification.verdict == "proved" else []),
    )


def _verified(verification: Verification, table: str) -> str:
    (other,) = verification.versions.keys() - {table}
    return f"verified {table}, together with {other}: {verification.sentence()}"


def _versions(verification: Verification) -> str:
    return ", ".join(f"{name} version {version}" for name, version in verification.versions.items())


def _numbers(verification: Verification) -> Group:
    """What the topic and the tables hold, by partition; columns for unusual cases only if there are any."""
    aged = any(p.beyond_reach for p in verification.partitions)
    names = ["partition", "topic holds", "published to", "records", "data", "quarantine", "unpublished"]
    names[-1:-1] = ["expired"] if aged else []
    shown = listing(*names, numbers=names)
    for p in verification.partitions:
        name = str(p.partition) if p.partition >= 0 else partition_label(p.partition)
        expired = [p.beyond_reach] if aged else []
        numbers = (p.frontier, p.records, p.data, p.quarantine, *expired, p.unpublished)
        shown.add_row(name, f"{p.log_start:,}-{p.log_end:,}", *(f"{n:,}" for n in numbers))
    legend = [Text(f"expired: {EXPIRED}", style="dim")] if aged else []
    return Group(fit_table(shown, spare=["unpublished"]), *legend)


def _remedy(verification: Verification) -> str:
    if any(f.kind in ("other", "lost") for f in verification.findings):
        return f"headrace status {verification.table} names the topic, and what is not published"
    if verification.verdict == "unproved":
        return "neither Kafka nor the ledger still shows whether a record was there"
    return (
        f"stop the publisher; headrace branch ls {verification.table};"
        " compare the batches that hold these offsets"
    )
