"""``headrace anchor``: places where a replay can start."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text
from typer.core import TyperGroup

from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, emit, facts, fitted, listing, moment, progress
from headrace.errors import HeadraceError, UsageError
from headrace.job.job_file import existing
from headrace.ledger import anchors
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Anchor
from headrace.operate import Workspace
from headrace.operate.running import live_jobs
from headrace.replay import take as taking

Job = Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")]
Number = Annotated[int, typer.Argument(metavar="ANCHOR", help="The anchor, as `anchor ls` numbers it.")]
Why = Annotated[str, typer.Option(help="What it is for; goes into the ledger.")]

TAKE = "take"


class _TakesByDefault(TyperGroup):
    """``headrace anchor JOB`` takes one: a name that is no command here is a job."""

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
        help="Places where a replay can start. `headrace anchor JOB` takes one.",
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

    Example: headrace anchor flights --why "before the new rule"
    """
    existing(job)
    workspace = workspace_of(ctx)
    running = live_jobs(workspace, job)
    if len(running) != 1:
        raise UsageError(
            f"job {job} {'does not run' if not running else 'runs more than once'}",
            remedy=f"headrace status {job}; a savepoint of other means: headrace anchor adopt {job} PATH",
        )
    with progress(f"taking a savepoint of {job}"):
        taken = taking.take(workspace.cluster, workspace.ledger(job), workspace.kafka, running[0].id, why)
    emit(taken.to_json(), fmt, lambda: _page(taken))


def adopt(
    ctx: typer.Context,
    job: Job,
    path: Annotated[str, typer.Argument(help="The folder of a savepoint or a retained checkpoint.")],
    why: Why = "",
    fmt: Output = Format.text,
) -> None:
    """Record a savepoint that was made by other means, or a retained checkpoint of a job that does not run.

    Example: headrace anchor adopt flights s3://lake/_flink/savepoints/savepoint-1a2b3c-0123456789ab
    """
    existing(job)
    workspace = workspace_of(ctx)
    if "/chk-" in path and live_jobs(workspace, job):
        raise UsageError(
            "Flink removes a checkpoint of a running job as soon as three newer ones are there",
            where=path,
            remedy=f"headrace anchor {job} takes a savepoint; or stop the job first",
        )
    found = taking.record(workspace.cluster, workspace.ledger(job), workspace.kafka, path, why, adopted=True)
    emit(found.to_json(), fmt, lambda: _page(found))


def ls(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """List the anchors of a job, the newest first.

    Example: headrace anchor ls flights
    """
    ledger = _ledger(workspace_of(ctx), job)
    gone = anchors.expired(ledger)
    found = [a for a in reversed(anchors.every(ledger)) if a.number not in gone]
    emit([a.to_json() for a in found], fmt, lambda: _listed(found))


def _listed(found: Sequence[Anchor]) -> RenderableType:
    shown = listing(
        "anchor",
        "taken",
        "by",
        "checkpoint",
        "batch",
        "contract",
        "why",
        numbers=["anchor", "checkpoint", "batch"],
    )
    for a in found:
        shown.add_row(
            str(a.number), moment(a.at), a.by, str(a.checkpoint), str(a.batch), a.contract_version, a.why
        )
    return fitted(shown, spare=["contract", "checkpoint"], prose="why")


def show(ctx: typer.Context, job: Job, anchor: Number, fmt: Output = Format.text) -> None:
    """Describe an anchor: what was published and read where it stands.

    Example: headrace anchor show flights 1
    """
    found = anchors.one(_ledger(workspace_of(ctx), job), anchor)
    emit(found.to_json(), fmt, lambda: _page(found))


def check(ctx: typer.Context, job: Job, anchor: Number, fmt: Output = Format.text) -> None:
    """Look whether a replay could begin there now: its state, its files, and what Kafka still has.

    Exit 1 where it could not.

    Example: headrace anchor check flights 1
    """
    workspace = workspace_of(ctx)
    found, health = taking.examine(_ledger(workspace, job), workspace.kafka, anchor)
    result = {
        "job": job,
        "anchor": anchor,
        "state_files": health.state_files,
        "data_files": health.data_files,
        "problems": health.problems,
    }
    well = (
        f"a replay can begin here: its state is whole ({health.state_files} files beside `_metadata`),"
        f" and so are {health.data_files} data files whose commit it may repeat"
    )
    emit(result, fmt, lambda: Text("\n".join(health.problems or [well])))
    if health.problems:
        raise AnchorError(
            f"no replay can begin at anchor {anchor}: {health.problems[0]}",
            where=found.path,
            remedy=f"headrace anchor ls {job}: choose another one",
        )


def expire(
    ctx: typer.Context,
    job: Job,
    keep: Annotated[int | None, typer.Option(min=0, help="Keep so many of the newest.")] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="30d", help="Give up only what is older: a number and d, h or min.")
    ] = None,
    why: Why = "",
    fmt: Output = Format.text,
) -> None:
    """Give up old anchors, and remove the savepoints that headrace took for them.

    Kept is what an unfinished replay restores, or the job's next start, or its start behind the rollback of
    the replay that stands. A savepoint that other means made is forgotten, and stays where it is.

    Example: headrace anchor expire flights --keep 7 --older-than 30d
    """
    ledger = _ledger(workspace_of(ctx), job)
    if keep is None and older_than is None:
        raise UsageError("which anchors?", remedy="give --keep N, --older-than 30d, or both")
    given = {"--keep": keep, "--older-than": older_than}
    said = " ".join(f"{option} {value}" for option, value in given.items() if value is not None)
    needed = anchors.needed(ledger)
    old = anchors.standing(ledger)[: -(keep or 0) or None]
    if older_than is not None:
        before = datetime.now(timezone.utc) - _age(older_than)
        old = [a for a in old if datetime.fromisoformat(a.at) < before]
    going = [a for a in old if a.path not in needed]
    gone = anchors.expired(ledger)
    for found in anchors.every(ledger):  # one that was given up when the command died
        if found.number in gone:
            anchors.remove(ledger, found)
    for found in going:
        anchors.give_up(ledger, found, why or f"expire: {said}")
    kept = [a.number for a in old if a.path in needed]
    result = {"job": job, "expired": [a.number for a in going], "needed": kept}
    told = f"gave up {', '.join(str(a.number) for a in going) or 'none'}" + (
        f"; kept {', '.join(map(str, kept))}: a replay or the next start needs it" if kept else ""
    )
    emit(result, fmt, lambda: told)


def _age(text: str) -> timedelta:
    """A time span of the command line.

    Raises:
        UsageError: it is none.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,5})(d|h|min)", text)
    if not found:
        raise UsageError(f"{text!r} is not a time span", remedy="write a number and d, h or min, as in 30d")
    return (
        int(found[1])
        * {"d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1)}[found[2]]
    )


def _ledger(workspace: Workspace, job: str) -> Ledger:
    existing(job)
    return workspace.ledger(job)


def _page(a: Anchor) -> Text:
    read = "; ".join(
        f"{contract} " + " ".join(f"{p}:{o:,}" for p, o in sorted(found.items()))
        for contract, found in a.positions.items()
    )
    lines = {
        f"anchor {a.number}": a.path,
        "taken": f"{moment(a.at)} by {a.by}" + (" (made by other means)" if a.adopted else ""),
        "why": a.why or "—",
        "follows": "\n".join(f"{o} {m}" for o, m in sorted(a.manifests.items())),
        "read up to": read or "—",
        "published then": f"batch {a.batch}, "
        + (", ".join(f"{t} version {v}" for t, v in a.versions.items()) or "nothing"),
        "contract": f"version {a.contract_version}, plan {a.plan[:12] or 'unknown'}, Flink {a.flink}",
    }
    return facts(lines)
