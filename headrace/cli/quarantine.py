"""``headrace quarantine``: what was refused, why, and the bytes as they came."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.text import Text

from headrace import settings
from headrace.cli.output import Format, Output, counted, emit, moment
from headrace.cli.query import rows_table
from headrace.contract.load import load_topic
from headrace.errors import UsageError
from headrace.lake import quarantine
from headrace.lake.query import to_text
from headrace.lake.store import connect

if TYPE_CHECKING:
    from headrace.lake.quarantine import Refused

Contract = Annotated[str, typer.Argument(metavar="CONTRACT", help="The contract's id.")]

quarantined = typer.Typer(help="Records that broke their contract.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(quarantined, name="quarantine")


@quarantined.command("ls")
def ls(contract: Contract, output: Output = Format.text) -> None:
    """Count quarantined records by reason, field and rule, with one position to look at.

    Example: headrace quarantine ls flights
    """
    found = quarantine.reasons(connect(settings.load().store), load_topic(contract).id)
    columns = ("reason", "field", "rule", "records", "first", "last", "example")
    rows = [(r.reason, r.field, r.rule, r.count, moment(r.first), moment(r.last), r.example) for r in found]
    emit([r.to_json() for r in found], output, lambda: rows_table(columns, rows, "use -o json for all"))


@quarantined.command("show")
def show(
    contract: Contract,
    reason: Annotated[str | None, typer.Option(help="Only records with this reason.")] = None,
    field: Annotated[str | None, typer.Option(help="Only records that this field made invalid.")] = None,
    at: Annotated[str | None, typer.Option(help="Only the record at PARTITION:OFFSET.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many records, the oldest first.")] = 20,
    size: Annotated[
        int, typer.Option("--bytes", min=0, help="Cut payloads after so many bytes; 0 shows them whole.")
    ] = quarantine.SHOWN_BYTES,
    output: Output = Format.text,
) -> None:
    """Show quarantined records: position, Kafka time, reason, and the payload as it came.

    Example: headrace quarantine show flights --reason wrong_type --field distance --limit 3
    """
    found = quarantine.records(
        connect(settings.load().store),
        load_topic(contract).id,
        reason=reason,
        field=field,
        at=None if at is None else _position(at),
        limit=limit,
    )
    emit(
        [r.to_json(size) for r in found],
        output,
        lambda: Group(*(_text(r, size) for r in found), _note(found)),
    )


def _position(at: str) -> tuple[int, int]:
    if not (parts := re.fullmatch(r"([0-9]{1,9}):([0-9]{1,18})", at)):
        raise UsageError(f"{at!r} is not a position", remedy="write PARTITION:OFFSET, like 0:84213")
    return int(parts[1]), int(parts[2])


def _text(record: Refused, size: int) -> Text:
    why = " ".join(to_text(v) for v in (record.reason, record.field, record.rule) if v is not None)
    shown = Text(f"{record.position}  {to_text(record.kafka_time)}  ")
    return shown.append(why, style="yellow").append(f"\n  {record.text(size)}")


def _note(found: list[Refused]) -> Text:
    return Text(counted(len(found), "record"))
