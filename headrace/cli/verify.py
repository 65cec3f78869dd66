"""``headrace verify``: each offset below the frontier has exactly one home, proved from Kafka itself.

For a derived table: each row that its job read has one (:mod:`headrace.cli.conservation`).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.text import Text

from headrace import project
from headrace.cli.conservation import deriving, verify_derived
from headrace.cli.context import workspace_of
from headrace.cli.output import At, Format, Output, emit, fitted, listing, progress, utc
from headrace.contract.load import load_named
from headrace.errors import ConservationError, NeverPublishedError, NotProvable, UsageError
from headrace.job.job_file import existing
from headrace.ledger.records import DONE
from headrace.operate.noted import noted, promised, stood
from headrace.operate.publish import how_to_publish
from headrace.replay.backfill import counted_again
from headrace.table.outputs import QUARANTINE
from headrace.verify.findings import named
from headrace.verify.ingest import verify as prove

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.contract.model import Contract
    from headrace.ledger.ledger import Ledger
    from headrace.operate import Workspace
    from headrace.verify.findings import Verification

FILES_SHOWN = 20

EXPIRED = "offsets that Kafka no longer holds, so that only doubles can be shown there"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table: any that a job writes.")],
    batch: Annotated[
        int | None, typer.Option(min=1, help="Judge the tables as this batch left them; else the newest.")
    ] = None,
    at: At = None,
    output: Output = Format.text,
) -> None:
    """Prove a table: that each record, or each row that its job has read, has exactly one home.

    For the table of a topic, or its quarantine: read the topic, and prove that each offset is in exactly one
    of the two, once.

    For a derived table that says what it counts, or the late rows of its job: prove that the rows that the
    job has read are the rows counted plus the late ones, plus those in windows that are still open.

    Exit code 0: proved. 1: not, or it cannot be proved; the message says what is wrong, or what is lacking.

    Example: headrace verify flights --batch 12 -o json
    """
    workspace = workspace_of(ctx)
    if contract := _of_topic(table):
        ledger = workspace.ledger(contract.id)
        if not ledger.newest(DONE):
            existing(contract.id)
        batch = ledger.batch_asked(batch, utc(at))
        with _provable(table):
            _verify_topic(workspace, ledger, contract, table, batch, output)
        return
    program = deriving(table)
    batch = workspace.ledger(program.job.name).batch_asked(batch, utc(at))
    with _provable(table):
        verify_derived(workspace.warehouse, program, table, batch, output)


def _of_topic(table: str) -> Contract | None:
    """The contract of a topic's table or of its quarantine, whether or not it has a job any more."""
    name = table.removesuffix(QUARANTINE)
    if name not in project.contract_names():
        return None
    contract = load_named(name)
    return contract if contract.kind == "ingest" else None


@contextmanager
def _provable(table: str) -> Iterator[None]:
    """What a proof needs and does not find is an answer, and no wrong use: the table cannot be proved.

    Raises:
        NotProvable: with what is lacking.
    """
    try:
        yield
    except UsageError as e:
        remedy = how_to_publish(e.table) if isinstance(e, NeverPublishedError) else e.remedy
        raise NotProvable(f"table {table} cannot be proved: {e.what}", where=e.where, remedy=remedy) from e


def _verify_topic(
    workspace: Workspace, ledger: Ledger, contract: Contract, table: str, batch: int | None, fmt: Format
) -> None:
    on_word: list[str] = []
    with progress(f"verifying {table}") as update:
        found = prove(
            ledger.warehouse,
            contract.id,
            workspace.topic(contract.topic),
            batch=batch,
            noted=noted(ledger),
            promised=promised(ledger),
            begun=start.topic_id if (start := ledger.start()) else None,
            stood=stood(ledger),
            filled=lambda number: counted_again(workspace.settings.store, ledger, number, update, on_word),
            tick=lambda step, done, total: update(what=step, completed=done, total=total),
        )
    word = [f"gone or changed, its rows on the ledger's word: {address}" for address in on_word]
    result = {**found.to_json(), "table": table, "files_on_word": on_word}
    newest = ledger.newest(DONE)
    if batch is None and newest > found.batch:
        word.append(f"batch {newest} is newer, and changed no table")
    emit(result, fmt, lambda: Group(_text(found, table), *map(Text, word)))
    if found.verdict != "proved":
        raise ConservationError(
            found.sentence(),
            where=f"{table}, batch {found.batch}",
            remedy=_remedy(found),
            findings=[str(f) for f in found.findings],
        )


def _text(found: Verification, table: str) -> Group:
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
