"""``headrace quarantine``: what was refused, why, the original bytes, and what can be done about it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.options import TIMES, utc
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages import patch as patch_pages
from headrace.cli.pages import quarantine as pages
from headrace.cli.patch import Hold, JudgeTimeout, Why
from headrace.errors import UsageError
from headrace.offsets import Span
from headrace.operate import Selection
from headrace.operate import quarantine as operate
from headrace.operate.patch import JUDGE_S

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
    typer.Option(formats=TIMES, metavar="TIME", help="Only what Kafka received from that time on, UTC."),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=TIMES, metavar="TIME", help="Only what Kafka received before that time, UTC."),
]
POSITION = re.compile(r"-?[0-9]{1,9}:[0-9]{1,18}(-[0-9]{1,18})?")

quarantined = typer.Typer(
    help="Records that broke their contract.\n\nExample: headrace quarantine ls flights", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(quarantined, name="quarantine")


@quarantined.command("ls")
def ls(ctx: typer.Context, contract: Contract, output: Output = Format.text) -> None:
    """Count quarantined records by reason, field and rule, with the position of one example.

    Discarded records are included in the counts, and also counted separately.

    Example: headrace quarantine ls flights
    """
    reasons = operate.count_quarantined(workspace_of(ctx), contract)
    emit([r.to_json() for r in reasons], output, lambda: pages.table(reasons))


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
    limit: Annotated[int, typer.Option(min=1, help="At most this many records, the oldest first.")] = 20,
    size: Annotated[
        int, typer.Option("--bytes", min=0, help="Cut payloads after this many bytes; 0 shows them whole.")
    ] = 400,
    output: Output = Format.text,
) -> None:
    """Show quarantined records: position, Kafka time, reason, and the original payload.

    Example: headrace quarantine show flights --reason wrong_type --field distance --limit 3
    """
    wanted = _selection(reason, field, rule, at, since, until)
    records = operate.read_quarantined(workspace_of(ctx), contract, wanted, limit=limit)
    emit([r.to_json(size) for r in records], output, lambda: pages.page(records, size))


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
        typer.Option(
            metavar="repairs.MODULE.FUNCTION", help="Pass each payload through this function first."
        ),
    ] = None,
    hold: Hold = False,
    timeout: JudgeTimeout = JUDGE_S,
    output: Output = Format.text,
) -> None:
    """Decode and judge quarantined records again; those that pass move into the table in one batch.

    Without a filter: everything in quarantine that is not discarded. Each record keeps its position, so
    `verify` holds. What is refused again stays as it is, and is reported; if nothing passes, the patch is
    aborted, and the ledger records why. Safe to interrupt:
    `headrace patch ls` lists what was started, `headrace patch apply` continues.

    Example: headrace quarantine redrive flights --rule distance_is_positive --why "0 is allowed now" --hold
    """
    wanted = _selection(reason, field, rule, at, since, until)
    with progress("taking the records out of quarantine") as bar:
        report = operate.redrive_quarantined(
            workspace_of(ctx), contract, wanted, why, repair=repair, hold=hold, within_s=timeout, progress=bar
        )
    emit(report.to_json(), output, lambda: patch_pages.page(report))


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
        bool, typer.Option("--all", help="Without any filter: everything in quarantine.")
    ] = False,
    undo: Annotated[
        int | None, typer.Option(metavar="DECISION", help="Undo a discard, by its number.")
    ] = None,
    output: Output = Format.text,
) -> None:
    """Discard quarantined records: they stay where `verify` counts them, and no redrive takes them.

    Example: headrace quarantine discard flights --reason malformed_json --why "a test of the producer"
    """
    wanted = _selection(reason, field, rule, at, since, until)
    if sum((wanted != Selection(), all_of_them, undo is not None)) != 1:
        raise UsageError(
            "which records?",
            remedy="give one or more of --reason, --field, --rule, --at, --since, --until; or only --all;"
            " or only --undo DECISION",
        )
    workspace = workspace_of(ctx)
    done = (
        operate.discard_quarantined(workspace, contract, wanted, why)
        if undo is None
        else operate.undo_discard(workspace, contract, undo, why)
    )
    emit(done.to_json(), output, lambda: pages.discard_sentence(done))


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
