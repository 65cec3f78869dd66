"""``headrace verify``: each offset below the frontier has exactly one home, proved from Kafka itself.

For a derived table: each row that its job read has one (:mod:`headrace.cli.conservation`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from headrace import settings
from headrace.cli.conservation import verify_derived, writer
from headrace.cli.output import At, Format, Output, emit, progress, unsqueezed, utc
from headrace.contract.load import load_named
from headrace.errors import ConservationError
from headrace.job.declaration import existing
from headrace.lake._findings import named
from headrace.lake._topic_scan import KafkaTopic
from headrace.lake.holes import noted, promised
from headrace.lake.ledger import Ledger
from headrace.lake.store import connect
from headrace.lake.verify import verify as prove
from headrace.replay.backfill import counted_again

if TYPE_CHECKING:
    from headrace.lake._findings import Verification

FILES_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    table: Annotated[str, typer.Argument(help="The id of the table's contract.")],
    batch: Annotated[
        int | None, typer.Option(min=1, help="Judge the tables as this batch left them; else the newest.")
    ] = None,
    at: At = None,
    output: Output = Format.text,
) -> None:
    """Read the topic and prove that each offset is in exactly one of the table and its quarantine, once.

    For a derived table: prove that the rows its job has read are the rows counted plus the late ones, plus
    those in windows that are still open.

    Exit code 0: proved. 1: not; the message names table, partition and offsets, or the windows.

    Example: headrace verify flights --batch 12 -o json
    """
    env = settings.load()
    contract = load_named(table)
    warehouse = connect(env.store)
    program = writer(contract.id) if contract.derived else None
    ledger = Ledger(warehouse, program.job.name if program else contract.id)
    if program is None and not ledger.newest("done"):
        existing(contract.id)
    batch = ledger.batch_asked(batch, utc(at))
    if program is not None:
        verify_derived(warehouse, program, batch, output)
        return
    on_word: list[str] = []
    with progress(f"verifying {table}") as update:
        found = prove(
            warehouse,
            contract.id,
            KafkaTopic(env.kafka.bootstrap, env.kafka.topic(contract.topic)),
            batch=batch,
            noted=noted(ledger),
            promised=promised(ledger),
            filled=lambda number: counted_again(env.store, ledger, number, update, on_word),
            tick=lambda step, done, total: update(what=step, completed=done, total=total),
        )
    word = [f"gone or changed, its rows on the ledger's word: {address}" for address in on_word]
    result = {**found.to_json(), "files_on_word": on_word}
    emit(result, output, lambda: Group(_text(found), *map(Text, word)))
    if found.verdict != "proved":
        raise ConservationError(
            found.sentence(),
            where=f"{found.table}, batch {found.batch}",
            remedy=_remedy(found),
            findings=[str(f) for f in found.findings],
        )


def _text(found: Verification) -> Group:
    places = [f"  {p}" for p in found.places[:FILES_SHOWN]]
    if len(found.places) > FILES_SHOWN:
        places.append(f"  and {len(found.places) - FILES_SHOWN:,} more files: see -o json")
    return Group(
        Text(f"topic {found.topic} against batch {found.batch}: " + _versions(found)),
        _numbers(found),
        *(Text(f"{found.table} {f}", style="red") for f in found.findings),
        *map(Text, places),
        *([Text(f"verified: {found.sentence()}", style="green")] if found.verdict == "proved" else []),
    )


def _versions(found: Verification) -> str:
    return ", ".join(f"{name} version {version}" for name, version in found.versions.items())


def _numbers(found: Verification) -> Table:
    shown = Table("partition", "topic", "frontier", "records", "data", "quarantine", "aged", "unpublished")
    for column in shown.columns:
        column.justify = "right"
    for p in found.partitions:
        name = str(p.partition) if p.partition >= 0 else named(p.partition)
        numbers = (p.frontier, p.records, p.data, p.quarantine, p.beyond_reach, p.unpublished)
        shown.add_row(name, f"{p.log_start:,}-{p.log_end:,}", *(f"{n:,}" for n in numbers))
    return unsqueezed(shown)


def _remedy(found: Verification) -> str:
    if found.verdict == "unproved":
        return "neither Kafka nor the ledger can say any more whether a record was there"
    return (
        f"stop the publisher; headrace branch ls {found.table}; compare the batches that hold these offsets"
    )
