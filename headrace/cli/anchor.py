"""``headrace anchor``: places where a replay can start."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, emit, progress
from headrace.cli.pages import anchor as pages
from headrace.errors import HeadraceError, UsageError
from headrace.operate import anchors

Job = Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")]
Number = Annotated[int, typer.Argument(metavar="ANCHOR", help="The anchor, as `anchor ls` numbers it.")]
Why = Annotated[str, typer.Option(help="What it is for; recorded in the ledger.")]

TAKE = "take"


class _TakesByDefault(TyperGroup):
    """``headrace anchor JOB`` takes one: a name that is not a subcommand is a job."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = [TAKE, *args]
        return super().parse_args(ctx, args)


class AnchorError(HeadraceError):
    """A replay could not begin at the anchor."""

    code = "anchor"


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        cls=_TakesByDefault,
        help="Places where a replay can start. `headrace anchor JOB` takes one.\n\n"
        'Example: headrace anchor take flights --why "before the new rule"',
        no_args_is_help=True,
    )
    group.command(TAKE)(take)
    group.command("ls")(ls)
    group.command("show")(show)
    group.command("check")(check)
    group.command("adopt")(adopt)
    group.command("expire")(expire)
    app.add_typer(group, name="anchor")


def take(ctx: typer.Context, job: Job, why: Why = "", fmt: Output = Format.text) -> None:
    """Take a savepoint of the running job, without a pause, and record it.

    Example: headrace anchor take flights --why "before the new rule"
    """
    with progress(f"taking a savepoint of {job}") as bar:
        taken = anchors.take_anchor(workspace_of(ctx), job, why, progress=bar)
    emit(taken.to_json(), fmt, lambda: pages.page(taken))


def adopt(
    ctx: typer.Context,
    job: Job,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="The folder of a savepoint or a retained checkpoint.")
    ],
    why: Why = "",
    fmt: Output = Format.text,
) -> None:
    """Record a savepoint that was made by other means, or a retained checkpoint of a job that does not run.

    Example: headrace anchor adopt flights s3://lake/_flink/savepoints/savepoint-1a2b3c-0123456789ab
    """
    adopted = anchors.adopt_anchor(workspace_of(ctx), job, path, why)
    emit(adopted.to_json(), fmt, lambda: pages.page(adopted))


def ls(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """List the anchors of a job, the newest first.

    Example: headrace anchor ls flights
    """
    listed = anchors.list_anchors(workspace_of(ctx), job)
    emit([a.to_json() for a in listed], fmt, lambda: pages.table(listed))


def show(ctx: typer.Context, job: Job, anchor: Number, fmt: Output = Format.text) -> None:
    """Describe an anchor: what had been published and read at that point.

    Example: headrace anchor show flights 1
    """
    shown = anchors.describe_anchor(workspace_of(ctx), job, anchor)
    emit(shown.to_json(), fmt, lambda: pages.page(shown))


def check(ctx: typer.Context, job: Job, anchor: Number, fmt: Output = Format.text) -> None:
    """Check whether a replay could begin there now: its state, its files, and what Kafka still holds.

    Exit code 1 if it could not.

    Example: headrace anchor check flights 1
    """
    at = anchors.check_anchor(workspace_of(ctx), job, anchor)
    emit(at.to_json(), fmt, lambda: pages.health_page(at))
    if at.health.problems:
        raise AnchorError(
            f"no replay can begin at anchor {anchor}: {at.health.problems[0]}",
            where=at.anchor.path,
            remedy=f"headrace anchor ls {job}: choose another anchor",
        )


def expire(
    ctx: typer.Context,
    job: Job,
    keep: Annotated[int | None, typer.Option(min=0, help="Keep this many of the newest anchors.")] = None,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="30d", help="Expire only anchors older than this: a number and d, h or min."),
    ] = None,
    why: Annotated[str, typer.Option(help="The reason; recorded in the ledger.")] = "",
    fmt: Output = Format.text,
) -> None:
    """Expire old anchors, and delete the savepoints that headrace took for them.

    An anchor is kept if an unfinished replay restores it, or the job's next start, or its start after the
    published replay is rolled back. A savepoint that was made by other means is not deleted: only its anchor
    expires.

    Example: headrace anchor expire flights --keep 7 --older-than 30d
    """
    if keep is None and older_than is None:
        raise UsageError("which anchors should expire?", remedy="give --keep N, --older-than 30d, or both")
    given = {"--keep": keep, "--older-than": older_than}
    options = " ".join(f"{option} {value}" for option, value in given.items() if value is not None)
    age = None if older_than is None else _age(older_than)
    done = anchors.expire_anchors(
        workspace_of(ctx), job, why or f"expire: {options}", keep=keep or 0, older_than=age
    )
    emit(done.to_json(), fmt, lambda: pages.expire_sentence(done))


def _age(text: str) -> timedelta:
    """A time span given on the command line.

    Raises:
        UsageError: it is not a time span.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,5})(d|h|min)", text)
    if not match:
        raise UsageError(f"{text!r} is not a time span", remedy="write a number and d, h or min, as in 30d")
    return (
        int(match[1])
        * {"d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1)}[match[2]]
    )
