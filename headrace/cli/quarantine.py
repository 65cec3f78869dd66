"""``headrace quarantine``: what was refused, why, the bytes as they came, and the ways out."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.text import Text

from headrace.cli.context import workspace_of
from headrace.cli.output import TIMES, Format, Output, counted, emit, fitted, listing, moment, progress, utc
from headrace.cli.patch import Hold, Why, opened, put_in
from headrace.contract.load import load_topic
from headrace.errors import UsageError
from headrace.ledger.decisions import StandingDecisions, discarded
from headrace.ledger.records import Discard, UndoDecision
from headrace.offsets import Span
from headrace.operate.preconditions import require_reason
from headrace.positions import Positions
from headrace.read import quarantine
from headrace.read.quarantine import Selection
from headrace.read.query import to_text
from headrace.replay import redrive as redriving
from headrace.table.outputs import outputs

if TYPE_CHECKING:
    from headrace.read.quarantine import Refused

Contract = Annotated[str, typer.Argument(metavar="CONTRACT", help="The contract's id.")]

Reason = Annotated[str | None, typer.Option(help="Only records with this reason.")]
Field = Annotated[str | None, typer.Option(help="Only records that this field made invalid.")]
Rule = Annotated[str | None, typer.Option(help="Only records that this rule refused.")]
At = Annotated[
    list[str] | None,
    typer.Option(
        metavar="P:O", help="Only the record at PARTITION:OFFSET, or PARTITION:FROM-TO; may be repeated."
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(formats=TIMES, metavar="TIME", help="Only what Kafka received from then on, UTC."),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=TIMES, metavar="TIME", help="Only what Kafka received before that, UTC."),
]
POSITION = re.compile(r"-?[0-9]{1,9}:[0-9]{1,18}(-[0-9]{1,18})?")

quarantined = typer.Typer(help="Records that broke their contract.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(quarantined, name="quarantine")


@quarantined.command("ls")
def ls(ctx: typer.Context, contract: Contract, output: Output = Format.text) -> None:
    """Count quarantined records by reason, field and rule, with one position to look at.

    Discarded ones are among the records, and counted beside them.

    Example: headrace quarantine ls flights
    """
    workspace, of = workspace_of(ctx), load_topic(contract)
    given_up = quarantine.given_up(workspace.warehouse, outputs(of)[0], discarded(workspace.ledger(of.id)))
    reasons = quarantine.reasons(workspace.warehouse, of.id, given_up)
    emit([r.to_json() for r in reasons], output, lambda: _listed(reasons))


@quarantined.command("show")
def show(
    ctx: typer.Context,
    contract: Contract,
    reason: Reason = None,
    field: Field = None,
    rule: Rule = None,
    at: At = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many records, the oldest first.")] = 20,
    size: Annotated[
        int, typer.Option("--bytes", min=0, help="Cut payloads after so many bytes; 0 shows them whole.")
    ] = quarantine.SHOWN_BYTES,
    output: Output = Format.text,
) -> None:
    """Show quarantined records: position, Kafka time, reason, and the payload as it came.

    Example: headrace quarantine show flights --reason wrong_type --field distance --limit 3
    """
    shown = quarantine.records(
        workspace_of(ctx).warehouse,
        load_topic(contract).id,
        _selection(reason, field, rule, at, since, until),
        limit,
    )
    emit(
        [r.to_json(size) for r in shown],
        output,
        lambda: _shown(shown, size),
    )


@quarantined.command("redrive")
def redrive(
    ctx: typer.Context,
    contract: Contract,
    why: Why = "",
    reason: Reason = None,
    field: Field = None,
    rule: Rule = None,
    at: At = None,
    since: Since = None,
    until: Until = None,
    repair: Annotated[
        str | None,
        typer.Option(metavar="repairs.MODULE.FUNCTION", help="Put each payload through this function first."),
    ] = None,
    hold: Hold = False,
    output: Output = Format.text,
) -> None:
    """Send quarantined records through decode and rules again; what passes moves into the table in one batch.

    Without a choice: all that is in quarantine, and not discarded. Each record keeps its position, so
    `verify` holds. What is refused again stays as it is, and is told. Safe to kill: `headrace patch ls` names
    what was begun, `headrace patch apply` goes on.

    Example: headrace quarantine redrive flights --rule distance_is_positive --why "0 is allowed now" --hold
    """
    workspace = workspace_of(ctx)
    ledger, program = opened(workspace, load_topic(contract).id)
    require_reason(why)
    wanted = _selection(reason, field, rule, at, since, until)
    with progress("taking the records out of quarantine"):
        asked = redriving.ask(ledger, program, wanted, why, repair)
    put_in(workspace, ledger, program, asked, output, hold=hold)


@quarantined.command("discard")
def discard(
    ctx: typer.Context,
    contract: Contract,
    why: Why = "",
    reason: Reason = None,
    field: Field = None,
    rule: Rule = None,
    at: At = None,
    since: Since = None,
    until: Until = None,
    all_of_them: Annotated[
        bool, typer.Option("--all", help="Without any choice: all that is in quarantine.")
    ] = False,
    undo: Annotated[
        int | None, typer.Option(metavar="DECISION", help="Take a discard back, by its number.")
    ] = None,
    output: Output = Format.text,
) -> None:
    """Give quarantined records up: they stay where `verify` counts them, and no redrive takes them.

    Example: headrace quarantine discard flights --reason malformed_json --why "a test of the producer"
    """
    ledger, program = opened(workspace_of(ctx), load_topic(contract).id)
    require_reason(why)
    wanted = _selection(reason, field, rule, at, since, until)
    if sum((wanted != Selection(), all_of_them, undo is not None)) != 1:
        raise UsageError(
            "which records?",
            remedy="give some of --reason, --field, --rule, --at, --since, --until; or only --all; or only"
            " --undo DECISION",
        )
    if undo is not None:
        given_up = {d.number: d for d in StandingDecisions.of(ledger.decisions()).discards}
        if undo not in given_up:
            known = (f"{n} ({' '.join(map(str, d.spans[:3]))}; {d.by}: {d.why})" for n, d in given_up.items())
            raise UsageError(
                f"decision {undo} is not a discard that stands",
                remedy=f"these do: {', '.join(known) or 'none'}",
            )
        number, spans = ledger.decide(UndoDecision(why=why, undoes=undo)), given_up[undo].spans
    else:
        chosen = quarantine.positions(ledger.warehouse, program.contract.id, wanted)
        chosen = chosen.without(discarded(ledger))
        if not chosen:
            raise UsageError(
                "there are no such records in quarantine", remedy=f"headrace quarantine ls {contract}"
            )
        spans = tuple(chosen.spans())
        number = ledger.decide(Discard(why=why, spans=spans))
    records, texts = len(Positions.of_spans(spans)), [str(s) for s in spans]
    said = "no longer discarded" if undo is not None else "discarded"
    emit(
        {"decision": number, "records": records, "spans": texts, "undoes": undo},
        output,
        lambda: (
            f"decision {number}: {counted(records, 'record')} {said}: {' '.join(texts[:10])}"
            + (f" and {len(texts) - 10} more ranges" if len(texts) > 10 else "")  # noqa: PLR2004
            + (
                ""
                if undo is not None
                else f"\nback: headrace quarantine discard {contract} --undo {number} --why TEXT"
            )
        ),
    )


def _selection(
    reason: str | None,
    field: str | None,
    rule: str | None,
    at: list[str] | None,
    since: datetime | None,
    until: datetime | None,
) -> Selection:
    return Selection(reason, field, rule, tuple(map(_position, at or [])), utc(since), utc(until))


def _position(at: str) -> Span:
    if not POSITION.fullmatch(at) or (span := Span.parse(at)).first > span.last:
        raise UsageError(
            f"{at!r} is not a position", remedy="write PARTITION:OFFSET, like 0:84213, or PARTITION:FROM-TO"
        )
    return span


def _text(record: Refused, size: int) -> Text:
    why = " ".join(to_text(v) for v in (record.reason, record.field, record.rule) if v is not None)
    at = to_text(record.kafka_time) if record.kafka_millis is None else f"{record.kafka_millis} ms"
    shown = Text(f"{record.position}  {at}  ")
    return shown.append(why, style="yellow").append(f"\n  {record.text(size)}")


def _listed(reasons: list[quarantine.Reason]) -> Group:
    """One line a reason, however narrow the terminal; when they came, where there is room."""
    numbers = ["records", *(["discarded"] if any(r.discarded for r in reasons) else [])]
    names = (*numbers, "reason", "field or rule", "example", "last", "first")
    shown = listing(*names, numbers=[*numbers, "example"])
    for r in reasons:
        counts = [f"{r.count:,}", f"{r.discarded:,}"][: len(numbers)]
        place = ", ".join(to_text(v) for v in (r.field, r.rule) if v is not None)
        shown.add_row(*counts, to_text(r.reason), place, r.example, moment(r.last), moment(r.first))
    records = counted(sum(r.count for r in reasons), "record")
    said = Text(f"{records} in quarantine, {counted(len(reasons), 'reason')}")
    return Group(fitted(shown, spare=["first", "last"], prose="field or rule"), said)


def _shown(found: list[Refused], size: int) -> Group:
    return Group(*(_text(r, size) for r in found), Text(counted(len(found), "record")))
