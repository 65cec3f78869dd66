"""The proof of a topic's table on a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from headrace.cli.output import fitted, listing
from headrace.errors import ConservationError
from headrace.operate.verify import TopicProof
from headrace.verify.findings import Verification, named

FILES_SHOWN = 20
EXPIRED = "offsets that Kafka no longer holds, so that only doubles can be shown there"


def described(result: TopicProof, *, newest: bool) -> Group:
    """What was counted and found; ``newest`` where no batch was asked for."""
    lines = [f"gone or changed, its rows on the ledger's word: {address}" for address in result.files_on_word]
    if newest and result.newest_batch > result.proof.batch:
        lines.append(f"batch {result.newest_batch} is newer, and changed no table")
    return Group(proof(result.proof, result.table), *map(Text, lines))


def failed(result: TopicProof) -> ConservationError:
    """The error of a command that was to prove it."""
    found = result.proof
    return ConservationError(
        found.sentence(),
        where=f"{result.table}, batch {found.batch}",
        remedy=_remedy(found),
        findings=[str(f) for f in found.findings],
    )


def proof(found: Verification, table: str) -> Group:
    """What was counted and found."""
    places = [f"  {p}" for p in found.places[:FILES_SHOWN]]
    if len(found.places) > FILES_SHOWN:
        places.append(f"  and {len(found.places) - FILES_SHOWN:,} more files: see -o json")
    return Group(
        Text(f"topic {found.topic} against batch {found.batch}: " + _versions(found)),
        _numbers(found),
        *(Text(f"{found.table} {f}", style="red") for f in found.findings),
        *map(Text, places),
        *([Text(_verified(found, table), style="green")] if found.verdict == "proved" else []),
    )


def _verified(found: Verification, table: str) -> str:
    (other,) = found.versions.keys() - {table}
    return f"verified {table}, together with {other}: {found.sentence()}"


def _versions(found: Verification) -> str:
    return ", ".join(f"{name} version {version}" for name, version in found.versions.items())


def _numbers(found: Verification) -> Group:
    """By partition what the topic and the tables hold, with the unusual only where there is some of it."""
    aged = any(p.beyond_reach for p in found.partitions)
    names = ["partition", "topic holds", "published to", "records", "data", "quarantine", "unpublished"]
    names[-1:-1] = ["expired"] if aged else []
    shown = listing(*names, numbers=names)
    for p in found.partitions:
        name = str(p.partition) if p.partition >= 0 else named(p.partition)
        expired = [p.beyond_reach] if aged else []
        numbers = (p.frontier, p.records, p.data, p.quarantine, *expired, p.unpublished)
        shown.add_row(name, f"{p.log_start:,}-{p.log_end:,}", *(f"{n:,}" for n in numbers))
    legend = [Text(f"expired: {EXPIRED}", style="dim")] if aged else []
    return Group(fitted(shown, spare=["unpublished"]), *legend)


def _remedy(found: Verification) -> str:
    if any(f.kind in {"other", "lost"} for f in found.findings):
        return f"headrace status {found.table} names the topic, and what is not published"
    if found.verdict == "unproved":
        return "neither Kafka nor the ledger can say any more whether a record was there"
    return (
        f"stop the publisher; headrace branch ls {found.table}; compare the batches that hold these offsets"
    )
