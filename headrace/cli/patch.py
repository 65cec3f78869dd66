"""``headrace patch``: what redrives, backfills and bounded replays have in common, up to their undo."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType

from headrace.cli.compared import compared
from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, counted, emit, facts, fitted, listing, moment, progress
from headrace.cluster.ready import WITHIN_S, Unready, why_ended
from headrace.errors import ClusterError
from headrace.job.assemble import writing
from headrace.job.program import Program
from headrace.job.ready import require_same
from headrace.job.submission import of_patch
from headrace.ledger import anchors, patches
from headrace.ledger.ledger import Ledger
from headrace.ledger.patches import REDRIVE, UNDO
from headrace.ledger.records import BATCHES, DONE, Judged, Patch
from headrace.operate import Workspace
from headrace.operate.preconditions import ingest_program, require_reason
from headrace.operate.publishers import patcher
from headrace.operate.start import await_start
from headrace.operate.unready import not_ready
from headrace.publish import patch_history
from headrace.publish.publisher import Published
from headrace.replay.diff import patch_diff
from headrace.replay.judged import gather
from headrace.replay.stale import stale

Job = Annotated[str, typer.Argument(metavar="JOB", help="The ingest job, as in jobs/JOB.py.")]
Number = Annotated[int, typer.Argument(metavar="PATCH", help="The patch, as `patch ls` numbers it.")]
Why = Annotated[str, typer.Option(help="Why; goes into the ledger.")]
Hold = Annotated[bool, typer.Option("--hold", help="Only judge the records and show what would come of it.")]
LOOK_S = 0.5


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Redrives, backfills and bounded replays: what was asked, what came of it, and the way back.",
        no_args_is_help=True,
    )
    for command in (ls, show, judge, diff, apply, undo, drop):
        group.command()(command)
    app.add_typer(group, name="patch")


def ls(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """List the patches of a job, the newest first.

    Example: headrace patch ls flights
    """
    ledger = opened(workspace_of(ctx), job)[0]
    fates = patch_history.PatchHistory(ledger)
    found = [(p, fates.state(p.number)) for p in reversed(patches.every(ledger))]
    emit([{**p.to_json(), "state": state} for p, state in found], fmt, lambda: _listed(found))


def _listed(found: Sequence[tuple[Patch, str]]) -> RenderableType:
    shown = listing(
        "patch", "kind", "state", "records", "asked", "by", "of", "why", numbers=["patch", "records"]
    )
    for p, state in found:
        row = (str(p.number), p.kind, state, f"{p.records:,}", moment(p.at), p.by, p.origin, p.why)
        shown.add_row(*row)
    return fitted(shown, spare=["by", "of"], prose="why")


def show(ctx: typer.Context, job: Job, patch: Number, fmt: Output = Format.text) -> None:
    """Describe a patch: what was asked, what its bounded job made of it, where it stands.

    Example: headrace patch show flights 1
    """
    ledger, program = opened(workspace_of(ctx), job)
    answer(ledger, program, patches.one(ledger, patch), None, fmt)


def judge(ctx: typer.Context, job: Job, patch: Number, fmt: Output = Format.text) -> None:
    """Let the bounded job judge a patch's records beside the live job; the tables are not touched.

    Example: headrace patch judge flights 1
    """
    workspace = workspace_of(ctx)
    ledger, program = opened(workspace, job)
    asked = patch_history.open_one(ledger, patch)
    judged(workspace, ledger, program, asked)
    answer(ledger, program, asked, None, fmt)


def diff(
    ctx: typer.Context,
    job: Job,
    patch: Number,
    samples: Annotated[int, typer.Option(help="How many changed records to show.", min=0)] = 5,
    fmt: Output = Format.text,
) -> None:
    """Compare what stands in the tables with what a judged patch would put there.

    Example: headrace patch diff flights 1
    """
    ledger, program = opened(workspace_of(ctx), job)
    asked = patches.one(ledger, patch)
    with progress("reading both sides"):
        found = patch_diff(ledger, program, asked, samples)
    emit({"job": job, "patch": patch, **found.to_json()}, fmt, lambda: compared(found))


def apply(ctx: typer.Context, job: Job, patch: Number, fmt: Output = Format.text) -> None:
    """Put a patch into the tables in one batch; it is judged first where it is not. Safe to repeat.

    Example: headrace patch apply flights 1
    """
    workspace = workspace_of(ctx)
    ledger, program = opened(workspace, job)
    asked = patches.one(ledger, patch)
    if patch_history.state(ledger, patch) != "published":
        patch_history.open_one(ledger, patch)
    put_in(workspace, ledger, program, asked, fmt, hold=False)


def undo(ctx: typer.Context, job: Job, patch: Number, why: Why = "", fmt: Output = Format.text) -> None:
    """Take a patch back: its rows go out, and those that it took out come in again. Safe to repeat.

    Example: headrace patch undo flights 1 --why "the repair was wrong"
    """
    workspace = workspace_of(ctx)
    ledger, program = opened(workspace, job)
    require_reason(why)
    with progress("swapping the old rows in"):
        done = patcher(workspace, job).undo(patch, why)
    answer(ledger, program, patches.one(ledger, patch), done, fmt)


def drop(ctx: typer.Context, job: Job, patch: Number, why: Why = "", fmt: Output = Format.text) -> None:
    """Give up a patch that is not in the tables yet.

    Example: headrace patch drop flights 1 --why "the wrong records"
    """
    workspace = workspace_of(ctx)
    ledger, program = opened(workspace, job)
    require_reason(why)
    patcher(workspace, job).give_up(patch, why)
    answer(ledger, program, patches.one(ledger, patch), None, fmt)


# for the commands that ask for one


def opened(workspace: Workspace, job: str) -> tuple[Ledger, Program]:
    """The ledger and the program of an ingest job.

    Raises:
        UsageError: there is no such job, or its rows are no records.
    """
    program = ingest_program(job)
    return workspace.ledger(job), program


def put_in(
    workspace: Workspace, ledger: Ledger, program: Program, asked: Patch, fmt: Format, *, hold: bool
) -> None:
    """Judge a patch, put it in unless it is to be held, and say what came of it."""
    done = None
    if patch_history.state(ledger, asked.number) != "published":
        judged(workspace, ledger, program, asked)
        require_same(ledger, program, asked)
    if not hold:
        with progress("putting the rows in"):
            done = patcher(workspace, ledger.job).put_in(asked.number)
    answer(ledger, program, asked, done, fmt)


def judged(workspace: Workspace, ledger: Ledger, program: Program, asked: Patch) -> Judged:
    """What the bounded job makes of a patch; run anew unless that is known already.

    Raises:
        ClusterError: the job failed.
    """
    if known := patches.judged_of(ledger, asked.number):
        return known
    patch_history.open_one(ledger, asked.number)
    require_same(ledger, program, asked)
    # One of a command that was killed may run still: it ends by itself, and nobody asks what it made.
    cluster, submission = workspace.cluster, f"patch-{asked.number}-{uuid.uuid4().hex[:8]}"
    behind = ledger.newest(DONE)
    doing = f"judging {counted(asked.records, 'record')}"
    with progress(doing):
        flink_id = cluster.submit(of_patch(ledger.job, asked.number, submission))
    with progress(doing) as tell:
        begun = await_start(workspace, flink_id, WITHIN_S, doing, tell)
    if isinstance(begun, Unready) and not begun.begun:
        cluster.cancel(flink_id)
        again = f"then headrace patch apply {ledger.job} {asked.number}"
        then = "nothing was changed" if begun.final else "its bounded job is cancelled"
        raise not_ready(ledger.job, flink_id, begun, WITHIN_S, then, again)
    with progress(doing):
        while not (at := cluster.detail(flink_id)).job.ended:
            time.sleep(LOOK_S)
        if at.job.state != "FINISHED":
            why = why_ended(cluster, at)
            raise ClusterError(
                f"the bounded job did not finish: {why.what}",
                where=f"{cluster.address}, job {flink_id}",
                remedy=f"{why.remedy}; then headrace patch apply {ledger.job} {asked.number}",
            )
        return gather(ledger, program, asked, submission, behind)


def answer(ledger: Ledger, program: Program, asked: Patch, done: Published | None, fmt: Format) -> None:
    """Say where a patch stands."""
    fates = patch_history.PatchHistory(ledger)
    state, found = fates.state(asked.number), patches.judged_of(ledger, asked.number)
    batch = patches.batch_of(fates.decisions, asked.number)
    table = program.contract.id
    gone = None if state == "undone" else fates.replaced(asked.number)
    result = {
        **{k: v for k, v in asked.to_json().items() if k != "number"},
        "job": ledger.job,
        "patch": asked.number,
        "state": state,
        "rows": (rows := _rows(ledger, batch) if batch else found.rows if found else None),
        "refused": [r.to_json() for r in (*asked.unrepaired, *(found.refused if found else ()))],
        "batch": batch or None,
        "given_up": fates.given_up(asked.number),
        "taken_back": {"at": back.at, "by": back.by, "why": back.why}
        if (back := fates.taken_back(asked.number))
        else None,
        "left": sum(found.rows.values()) - sum(rows.values()) if batch and found and rows else 0,
        "replaced": asdict(gone) if gone else None,
        "versions": done.head.versions if done else None,
        "stale": list(stale(program, ledger.warehouse)) if state in ("published", "undone") else [],
    }
    first = fates.records(batch).firsts() if result["stale"] else {}
    anew = {name: _anew(ledger, name, table, first) for name in result["stale"]}
    emit(result, fmt, lambda: _page(ledger.job, table, asked, result, anew))


def _anew(ledger: Ledger, stale_one: str, read: str, first: Mapping[int, int]) -> str:
    """How a derived table is computed again from before some records of a topic that it reads."""
    derived = Ledger(ledger.warehouse, writing(stale_one).job.name)
    return anchors.how_to_replay(derived, anchors.before(read, first))


def _rows(ledger: Ledger, batch: int) -> dict[str, int]:
    """How many rows a batch has put in, by table: fewer than were judged where others were faster."""
    outputs = ledger.required(BATCHES, batch).outputs
    return {o: sum(f.rows for f in out.files) for o, out in outputs.items()}


def _page(job: str, table: str, asked: Patch, r: dict[str, Any], anew: Mapping[str, str]) -> Group:
    lines = {
        asked.name: f"{r['state']}; {asked.origin}",
        "why": asked.why,
        "records": f"{asked.records:,}, judged by contract version {asked.contract_version}",
    }
    if r["given_up"] is not None:
        lines["given up"] = f"{r['given_up']}; nothing was changed"
    elif r["rows"] is not None:
        lines["into the table" if r["batch"] else "would come in"] = counted(r["rows"].get(table, 0), "row")
    if r["left"]:
        lines["left alone"] = f"{counted(r['left'], 'record')}, discarded or moved since it was judged"
    if r["rows"] is not None:
        where = ", which stay in quarantine as they are" if asked.kind == REDRIVE else ", into quarantine"
        refused = sum(x["count"] for x in r["refused"])
        lines["refused"] = f"{counted(refused, 'record')}{where}" if refused else "none"
    if r["batch"]:
        lines["in the tables"] = f"since batch {r['batch']}" + (
            f", taken back {moment(back['at'])} by {back['by']}: {back['why']}"
            if (back := r["taken_back"])
            else ""
        )
    if gone := r["replaced"]:
        lines["replaced"] = (
            f"{counted(gone['records'], 'record')}, by {gone['by']};"
            f" {gone['left']:,} stand as they were put in"
        )
    for name, command in anew.items():
        lines[f"stale: {name}"] = f"computed without this\n{command}"
    if following := _next(job, asked, r["state"]):
        lines["next"] = following
    shown = listing(
        "reason", "field", "rule", "records", "example", numbers=["records", "example"], title="refused"
    )
    for x in r["refused"]:
        shown.add_row(x["reason"], x["field"] or "", x["rule"] or "", f"{x['count']:,}", x["example"])
    return Group(
        facts(lines),
        *([fitted(shown)] if r["refused"] else []),
    )


def _next(job: str, asked: Patch, state: str) -> str:
    """What a person may do with a patch in that state; empty where nothing is left to be done."""
    n = asked.number
    if asked.kind == UNDO:
        back = f"headrace patch undo {job} {asked.of} --why TEXT"
        return {"asked": back, "published": f"headrace verify {job}"}.get(state, "")
    return {
        "asked": f"headrace patch judge {job} {n}",
        "judged": f"headrace patch diff {job} {n}\nheadrace patch apply {job} {n}\n"
        f"headrace patch drop {job} {n} --why TEXT",
        "published": f"headrace verify {job}\nheadrace patch undo {job} {n} --why TEXT",
        "replaced": f"headrace quarantine show {job}: what is bad again can be asked for again",
        "partly replaced": f"headrace quarantine show {job}: what is bad again can be asked for again",
    }.get(state, "")
