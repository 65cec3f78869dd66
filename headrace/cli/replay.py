"""``headrace replay``: recompute from a place in the past beside the live job, then swap in one commit."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from headrace.cli.compared import compared
from headrace.cli.context import workspace_of
from headrace.cli.job import forks, live, submit
from headrace.cli.output import (
    TIMES,
    Format,
    Output,
    counted,
    emit,
    facts,
    fitted,
    listing,
    moment,
    progress,
    utc,
)
from headrace.cli.patch import answer, opened, require_reason
from headrace.cli.publish import replacer
from headrace.cli.starting import DEFAULT_S, Timeout, await_start, not_ready
from headrace.cluster import Cluster
from headrace.cluster.ready import Unready, why_not_running
from headrace.errors import ClusterError, DecisionNeeded, UsageError
from headrace.job.assemble import named
from headrace.job.declaration import existing
from headrace.job.submission import of_replay
from headrace.ledger import replays
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Replay
from headrace.operate import Workspace
from headrace.publish.patch_history import PatchHistory
from headrace.publish.publisher import Published
from headrace.publish.replace import continued
from headrace.replay import bounded
from headrace.replay import diff as comparing
from headrace.replay import plan as planning
from headrace.replay.catch_up import Reached, reached
from headrace.replay.page import page

Job = Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")]
Number = Annotated[int, typer.Argument(metavar="REPLAY", help="The replay, as `replay ls` numbers it.")]
Why = Annotated[str, typer.Option(help="Why; goes into the ledger.")]
LOOK_S = 1.0
"""A checkpoint comes every few seconds: to look more often shows nothing."""


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Recompute from a place in the past beside the live job, compare, and swap in one commit.",
        no_args_is_help=True,
    )
    for command in (plan, run, diff, publish, rollback, abort, ls, show):
        group.command()(command)
    app.add_typer(group, name="replay")


def plan(
    ctx: typer.Context,
    job: Job,
    anchor: Annotated[
        int | None, typer.Option("--from", metavar="ANCHOR", help="Restore this anchor, its state included.")
    ] = None,
    offsets: Annotated[
        str | None,
        typer.Option(
            "--from-offsets", metavar="P:O,…", help="Begin at or before these offsets; ingest jobs only."
        ),
    ] = None,
    moment_: Annotated[
        datetime | None,
        typer.Option(
            "--from-time",
            formats=TIMES,
            metavar="TIME",
            help="Begin at or before what Kafka received then: 2026-11-26T09:00, UTC; ingest jobs only.",
        ),
    ] = None,
    to_offsets: Annotated[
        str | None,
        typer.Option("--to-offsets", metavar="P:O,…", help="End before these offsets; then it is a patch."),
    ] = None,
    to: Annotated[
        datetime | None,
        typer.Option(
            formats=TIMES, metavar="TIME", help="End before what Kafka received then, UTC; a patch."
        ),
    ] = None,
    why: Why = "",
    fmt: Output = Format.text,
) -> None:
    """Record what a replay is to do, and say it. Nothing runs, nothing published is touched.

    With an end, which only ingest jobs can have, no fork is needed: it is a patch, and goes on by
    `headrace patch judge`, `diff` and `apply`.

    Example: headrace replay plan flights --from 1 --why "distance 0 was refused since yesterday"
    """
    existing(job)
    if sum(x is not None for x in (anchor, offsets, moment_)) != 1:
        raise UsageError(
            "a replay begins at one place",
            remedy="give one of --from ANCHOR, --from-offsets P:O,…, --from-time T",
        )
    require_reason(why)
    workspace = workspace_of(ctx)
    if to_offsets is not None or to is not None:
        _bounded(workspace, job, offsets, utc(moment_), to_offsets, utc(to), why, fmt)
        return
    kafka, ledger = workspace.kafka, workspace.ledger(job)
    with progress("looking at what is published"):
        if anchor is not None:
            planned = planning.from_anchor(kafka, ledger, anchor, why)
        elif offsets is not None:
            planned = planning.from_offsets(kafka, ledger, _offsets(offsets), why)
        else:
            planned = planning.from_time(kafka, ledger, utc(moment_) or datetime.now(timezone.utc), why)
        planned = replays.record(ledger, planned)
    ends = _patches(ledger, planned)
    emit({**planned.to_json(), "patches": ends}, fmt, lambda: _page(job, planned, "planned", ends))


def _bounded(
    workspace: Workspace,
    job: str,
    offsets: str | None,
    since: datetime | None,
    to_offsets: str | None,
    until: datetime | None,
    why: str,
    fmt: Format,
) -> None:
    """Record a replay that ends."""
    ledger, program = opened(workspace, job)
    if (offsets is None and since is None) or (to_offsets is not None and until is not None):
        raise UsageError(
            "a replay with an end begins at offsets or a time, and has one end",
            remedy="give --from-offsets P:O,… or --from-time T, and --to-offsets P:O,… or --to T",
        )
    with progress("looking at what is published"):
        first = bounded.at(workspace.kafka, ledger, program, since) if since else _offsets(offsets or "")
        end = bounded.at(workspace.kafka, ledger, program, until) if until else _offsets(to_offsets or "")
        if offsets and not to_offsets:
            end = {p: o for p, o in end.items() if p in first}
        if to_offsets and not offsets:
            first = {p: o for p, o in first.items() if p in end}
        asked = bounded.ask(workspace.kafka, ledger, program, first, end, why)
    answer(ledger, program, asked, None, fmt)


def run(
    ctx: typer.Context,
    job: Job,
    replay: Number,
    wait: Annotated[bool, typer.Option(help="Follow until it has caught up with the branch.")] = True,
    within: Annotated[float, typer.Option(help="Follow for so many seconds at most.", min=0)] = 3600,
    timeout: Timeout = DEFAULT_S,
    fmt: Output = Format.text,
) -> None:
    """Start the fork beside the live job, and follow it until it has caught up. Safe to repeat.

    Example: headrace replay run flights 1
    """
    existing(job)
    workspace = workspace_of(ctx)
    cluster, ledger = workspace.cluster, workspace.ledger(job)
    planned = replays.open_one(ledger, replay)
    running = forks(cluster, job, replay)
    flink_id = running[0].id if running else _submitted(workspace, job, replay)
    begun = await_start(cluster, flink_id, timeout, f"starting the fork of {job}")
    # One whose tasks run is followed: its first checkpoint may take long where there is much to read.
    if isinstance(begun, Unready) and not (begun.final or begun.begun):
        raise not_ready(
            job,
            flink_id,
            begun,
            timeout,
            "the fork stays",
            f"headrace replay run {job} {replay} waits on;"
            f" headrace replay abort {job} {replay} --why TEXT ends it",
        )
    at = _followed(cluster, ledger, planned, flink_id, within) if wait else _look(ledger, planned)
    done, total = at.records
    result = {
        "job": job,
        "replay": replay,
        "flink_job": flink_id,
        "read": done,
        "records": total,
        "caught_up": at.caught_up,
    }
    emit(
        result,
        fmt,
        lambda: (
            f"replay {replay} runs as Flink job {flink_id}: {done:,} of {total:,} offsets read"
            + (f"\nnext: headrace replay diff {job} {replay}" if at.caught_up else "")
        ),
    )


def _submitted(workspace: Workspace, job: str, replay: int) -> str:
    with progress(f"submitting the fork of {job}"):
        return submit(workspace, of_replay(job, replay))


def _look(ledger: Ledger, planned: Replay) -> Reached:
    return reached(ledger.warehouse, ledger, named(ledger.job), planned)


def _followed(cluster: Cluster, ledger: Ledger, planned: Replay, flink_id: str, within: float) -> Reached:
    """Wait until the fork has come as far as the branch; a fork that ends before that is an error."""
    deadline = time.monotonic() + within
    with progress("the fork catches up with the branch") as tell:
        while not (at := _look(ledger, planned)).caught_up:
            done, total = at.records
            tell(completed=done, total=total, what="the fork catches up with the branch")
            detail = cluster.detail(flink_id)
            if not detail.running:
                tell(what=f"the fork does not run now: it is {detail.job.state}")
            if (found := detail.job).ended:
                raise ClusterError(
                    f"the fork has ended before it had caught up: {found.state}",
                    where=f"Flink job {flink_id}: {cluster.failure(flink_id).cause or 'cancelled'}",
                    remedy=f"headrace replay run {ledger.job} {planned.number} goes on from its newest"
                    f" checkpoint; headrace replay abort {ledger.job} {planned.number} --why TEXT"
                    " gives it up",
                )
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"the fork has not caught up within {within:.0f} s: {done:,} of {total:,} offsets read",
                    where=f"Flink job {flink_id}, {detail.job.state}",
                    remedy=f"it goes on; headrace replay run {ledger.job} {planned.number} follows it again",
                )
            time.sleep(LOOK_S)
    return at


def diff(
    ctx: typer.Context,
    job: Job,
    replay: Number,
    samples: Annotated[int, typer.Option(min=0, help="Show so many changed records.")] = 5,
    html: Annotated[Path | None, typer.Option(help="Write a page to this file too.")] = None,
    fmt: Output = Format.text,
) -> None:
    """Compare the published rows behind the fork point with those that the fork has made.

    Rows of an ingest job record by record, those of a derive job by their key, as both sides stand now. Of a
    published replay: what it has changed.

    Example: headrace replay diff flights 1 --html diff.html
    """
    existing(job)
    ledger = workspace_of(ctx).ledger(job)
    planned = replays.one(ledger, replay)
    with progress("comparing rows"):
        found = comparing.diff(ledger.warehouse, ledger, named(job), planned, samples)
    if html is not None:
        try:
            html.write_text(page(job, planned, found))
        except OSError as e:
            raise UsageError(f"the page cannot be written: {e.strerror}", where=str(html)) from e
    emit(found.to_json(), fmt, lambda: compared(found))


def publish(
    ctx: typer.Context,
    job: Job,
    replay: Number,
    within: Annotated[
        float, typer.Option(help="Seconds to wait for the fork's next checkpoints.", min=0)
    ] = 600,
    fmt: Output = Format.text,
) -> None:
    """Make the fork the branch: one batch swaps the files, then the old job is cancelled. Safe to repeat.

    Readers see the tables as they were, or as the replay made them; never a mixture within a table.

    Example: headrace replay publish flights 1
    """
    existing(job)
    workspace = workspace_of(ctx)
    cluster, ledger = workspace.cluster, workspace.ledger(job)
    planned = replays.one(ledger, replay)
    if replays.state(ledger, replay) == "planned":
        raise UsageError(f"replay {replay} has not run", remedy=f"headrace replay run {job} {replay}")
    with progress("swapping the fork in"):
        done = _swapped(workspace, job, planned, within)
    fork = [j.id for j in forks(cluster, job, replay)]
    old = _cancelled(workspace, ledger, replay, keep=fork)
    ends = _patches(ledger, planned)
    result = {
        "job": job,
        "replay": replay,
        "batch": done.head.batch,
        "versions": done.head.versions,
        "live": fork,
        "cancelled": old,
        "patches": ends,
    }
    emit(
        result,
        fmt,
        lambda: (
            f"replay {replay} is published: "
            + ", ".join(f"{t} version {v}" for t, v in done.head.versions.items())
            + f"\nlive job: {', '.join(fork) or f'none, start it with `headrace run {job}`'};"
            + f" cancelled: {', '.join(old) or 'none'}"
            + "".join(f"\nstale: {t} was computed from what was replaced" for t in planned.stale)
            + _ended(job, ends)
        ),
    )


def _swapped(workspace: Workspace, job: str, planned: Replay, within: float) -> Published:
    """Try until the fork has sealed as much as the branch holds: the two take turns in being ahead."""
    deadline, publisher = time.monotonic() + within, replacer(workspace, job)
    while not isinstance(done := publisher.replace(planned.number, planned.fork), Published):
        staged = {o: s.read() for o, s in publisher.staged.items()}
        if continued(publisher.ledger, planned.fork, staged, planned.number)[1] is None:
            raise _nothing_sealed(workspace.cluster, job, planned.number)
        if time.monotonic() > deadline:
            come = " ".join(f"{p}:{o:,}" for p, o in sorted(done.items())) or "nowhere yet"
            raise DecisionNeeded(
                f"the fork has not caught up with what is published: it has come to {come}",
                where=f"job {job}, replay {planned.number}",
                remedy=f"headrace replay run {job} {planned.number} follows it; then publish again",
            )
        time.sleep(LOOK_S)
    return done


def _nothing_sealed(cluster: Cluster, job: str, replay: int) -> DecisionNeeded:
    """The refusal of a fork without a checkpoint, and why it has none where its tasks do not run."""
    why = None
    for fork in forks(cluster, job, replay):
        if not (at := cluster.detail(fork.id)).running:
            why = why_not_running(cluster, at)
    return DecisionNeeded(
        "the fork has not completed a checkpoint yet" + (f": {why.what}" if why else ""),
        where=f"job {job}, replay {replay}",
        remedy=(f"{why.remedy}; then " if why else "") + f"headrace replay run {job} {replay}",
    )


def rollback(ctx: typer.Context, job: Job, replay: Number, why: Why = "", fmt: Output = Format.text) -> None:
    """Return the tables to what they were before a replay was published, and stop its job. Safe to repeat.

    `headrace run` then goes on from the old branch: what its job had staged is published as it judged it, and
    the rest is read again. Patches that the replay had replaced stand again; those put in since, behind the
    fork point, are named: their records are as they were before.

    Example: headrace replay rollback flights 1 --why "the new rule was wrong too"
    """
    existing(job)
    require_reason(why)
    workspace = workspace_of(ctx)
    ledger = workspace.ledger(job)
    replays.one(ledger, replay)
    with progress("swapping the old files in"):
        done = replacer(workspace, job).roll_back(replay, why)
    running = _cancelled(workspace, ledger, replay, keep=[])
    changed = PatchHistory(ledger).changed(replays.rollback_of(ledger, replay))
    ends, again = ([p.name for p in found] for found in changed)
    alive = [j.id for j in live(workspace, job)]
    result = {
        "job": job,
        "replay": replay,
        "batch": done.head.batch,
        "versions": done.head.versions,
        "cancelled": running,
        "live": alive,
        "patches": ends,
        "again": again,
    }
    emit(
        result,
        fmt,
        lambda: (
            f"replay {replay} is taken back: "
            + ", ".join(f"{t} version {v}" for t, v in done.head.versions.items())
            + f"\ncancelled: {', '.join(running) or 'none'};"
            + (f" live job: {', '.join(alive)}" if alive else f" next: headrace run {job}")
            + "".join(f"\nstands again: {p}" for p in again)
            + _ended(job, ends)
        ),
    )


def _cancelled(workspace: Workspace, ledger: Ledger, replay: int, keep: list[str]) -> list[str]:
    """Cancel the jobs that a replay, or its rollback, left behind: those that began before it was decided.

    Only while that is the newest decision about the branch: repeated later, it must not hit another's job.
    """
    rulings = StandingDecisions.of(ledger.decisions())
    decided = max(rulings.swaps, key=lambda d: d.number)
    if decided.replay != replay:
        return []
    at = datetime.fromisoformat(decided.at)
    old = [j.id for j in live(workspace, ledger.job, every=True) if j.id not in keep and j.started <= at]
    with progress("cancelling the old job"):
        for flink_id in old:
            workspace.cluster.cancel(flink_id)
    return old


def abort(ctx: typer.Context, job: Job, replay: Number, why: Why = "", fmt: Output = Format.text) -> None:
    """Give a replay up: its job is cancelled, and what it staged is never published.

    Example: headrace replay abort flights 1 --why "the rule was right after all"
    """
    existing(job)
    workspace = workspace_of(ctx)
    ledger = workspace.ledger(job)
    require_reason(why)
    if replays.state(ledger, replay) != "aborted":
        replacer(workspace, job).give_up(replay, why)
    running = [j.id for j in forks(workspace.cluster, job, replay)]
    with progress("cancelling the fork"):
        for flink_id in running:
            workspace.cluster.cancel(flink_id)
    emit(
        {"job": job, "replay": replay, "cancelled": running},
        fmt,
        lambda: f"replay {replay} is given up; cancelled: {', '.join(running) or 'nothing ran'}",
    )


def ls(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """List the replays of a job, the newest first.

    Example: headrace replay ls flights
    """
    existing(job)
    ledger = workspace_of(ctx).ledger(job)
    found = [(r, replays.state(ledger, r.number)) for r in reversed(replays.every(ledger))]
    emit([{**r.to_json(), "state": state} for r, state in found], fmt, lambda: _listed(found))


def _listed(found: Sequence[tuple[Replay, str]]) -> RenderableType:
    shown = listing("replay", "state", "planned", "by", "from", "why", numbers=["replay"])
    for r, state in found:
        shown.add_row(str(r.number), state, moment(r.at), r.by, r.origin, r.why)
    return fitted(shown, spare=["by"], prose="why")


def show(ctx: typer.Context, job: Job, replay: Number, fmt: Output = Format.text) -> None:
    """Describe a replay: its fork point, what it replaces, its stages and where it stands.

    Example: headrace replay show flights 1
    """
    existing(job)
    ledger = workspace_of(ctx).ledger(job)
    found, state = replays.one(ledger, replay), replays.state(ledger, replay)
    ends = _patches(ledger, found)
    decided = {
        what: {"at": d.at, "by": d.by, "why": d.why} for what, d in replays.decided(ledger, replay).items()
    }
    told = {**found.to_json(), "state": state, "decided": decided, "patches": ends}
    lines = {what: f"{moment(d['at'])} by {d['by']}: {d['why']}" for what, d in decided.items()}
    emit(told, fmt, lambda: Group(_page(job, found, state, ends), *([facts(lines, 14)] if lines else [])))


def _offsets(text: str) -> dict[int, int]:
    """``0:100,1:200``.

    Raises:
        UsageError: it is none.
    """
    parts = [re.fullmatch(r"([0-9]{1,9}):([0-9]{1,18})", part) for part in text.split(",")]
    if not all(parts):
        raise UsageError(f"{text!r} is not P:O,…", remedy="write PARTITION:OFFSET, like 0:84213,1:84100")
    found = {int(p[1]): int(p[2]) for p in parts if p}
    if len(found) != len(parts):
        raise UsageError(f"{text!r} names a partition twice", remedy="give one offset for each partition")
    return found


def _patches(ledger: Ledger, planned: Replay) -> list[str]:
    """Patches that a replay ends: of an open one, those with records behind its fork point."""
    fates = PatchHistory(ledger)
    if at := replays.batch_of(ledger, planned.number):
        return [p.name for p in fates.changed(at)[0]]
    if replays.state(ledger, planned.number) == "aborted":
        return []
    return [p.name for p in fates.behind(planned.frontier)]


def _ended(job: str, ends: Sequence[str]) -> str:
    """The same, once it has happened."""
    shows = ((p, f"headrace patch show {job} {p.rpartition(' ')[2]}") for p in ends)
    return "".join(f"\nreplaced, whole or in part: {p}; {show}" for p, show in shows)


def _takes(r: Replay) -> str:
    if not r.rate:
        return "not known: the job has published nothing that had waited for it, so no speed was measured"
    return (
        f"about {r.records / r.rate:,.0f} s, at the {r.rate:,} offsets a second at which the job has read"
        " what had waited for it"
    )


def _page(job: str, r: Replay, state: str, ends: Sequence[str]) -> Group:
    numbers = {"files": "files", "rows": "rows written", "bytes": "bytes"}
    replaced = listing("table", *numbers.values(), numbers=numbers.values(), title="what it replaces")
    for output, size in r.replaces.items():
        replaced.add_row(output, *(f"{getattr(size, k):,}" for k in numbers))
    begins = " ".join(f"{p}:{o:,}" for p, o in sorted(r.frontier.items()))
    lines = {
        f"replay {r.number}": f"{state}; from {r.origin}",
        "why": r.why,
        "fork point": f"in batch {r.fork.batch}"
        + (f", manifests {', '.join(sorted(set(r.fork.manifests.values())))}" if r.fork.manifests else ""),
        "reads": f"at most {counted(r.records, 'record')} again" + (f", from {begins}" if begins else ""),
        "takes": _takes(r),
        "state": r.savepoint or "none: the job keeps nothing but positions",
        "contract": f"version {r.contract_version}",
        "leaves stale": ", ".join(r.stale) or "no table",
        **({"replaces": f"{', '.join(ends)}: judged again from what Kafka holds"} if ends else {}),
    }
    stages = _stages(job, r.number, state)
    return Group(
        facts(lines, 14),
        Text(),
        fitted(replaced),
        *([Text(), facts(stages, 14)] if stages else []),
    )


def _stages(job: str, number: int, state: str) -> dict[str, str]:
    """What a person may do with a replay that is not decided yet."""
    if state not in ("planned", "begun"):
        return {}
    return {
        "1 fork": f"headrace replay run {job} {number}: beside the live job, until it has caught up",
        "2 compare": f"headrace replay diff {job} {number}: rows that change or move, with samples",
        "3 swap": f"headrace replay publish {job} {number}: one commit a table, then the old job ends",
        "or": f"headrace replay abort {job} {number} --why TEXT: nothing published was touched",
    }
