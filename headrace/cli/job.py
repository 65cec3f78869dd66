"""``headrace run``, ``stop`` and ``status``: a job on its cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.text import Text

from headrace.cli import standing
from headrace.cli.branch import STATES, branches
from headrace.cli.context import workspace_of
from headrace.cli.options import DEFAULT_S, Timeout
from headrace.cli.output import Format, Output, counted, emit, facts, moment, progress
from headrace.cluster import Cluster, event_time
from headrace.cluster import Job as FlinkJob
from headrace.cluster.kafka import Kafka, Lag, Source
from headrace.errors import ClusterError
from headrace.job.assemble import named
from headrace.job.declaration import existing
from headrace.ledger import replays
from headrace.ledger.branch import restart_is_due
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import Staged
from headrace.ledger.records import BATCHES, Replay
from headrace.ledger.survey import ClaimStatus
from headrace.operate import Workspace
from headrace.operate.running import live_jobs
from headrace.operate.start import Started, await_job, start_job
from headrace.operate.stop import stop_job
from headrace.publish.foresee import foresee
from headrace.publish.topics import ask

Job = Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(run)
    app.command()(stop)
    app.command()(status)


def run(
    ctx: typer.Context,
    job: Job,
    savepoint: Annotated[
        str | None,
        typer.Option("--savepoint", "-s", help="Restore this one instead of the newest on the branch."),
    ] = None,
    timeout: Timeout = DEFAULT_S,
    cancel_on_timeout: Annotated[
        bool,
        typer.Option(
            "--cancel-on-timeout", help="Then cancel the job and set its claim aside; else both stay."
        ),
    ] = False,
    fmt: Output = Format.text,
) -> None:
    """Submit a job by `flink run`, and wait until it runs and its first checkpoint is complete.

    It goes on from its newest checkpoint by itself.

    Example: headrace run flights
    """
    with progress(f"submitting {job}") as tell:
        started = start_job(
            workspace_of(ctx),
            job,
            savepoint=savepoint,
            within_s=timeout,
            cancel_on_timeout=cancel_on_timeout,
            tell=tell,
        )
    emit(started.to_json(), fmt, lambda: f"{job} is Flink job {started.flink_job}: {_begun(started)}")


def _begun(at: Started) -> str:
    """What a job that is ready has done."""
    if at.state == "FINISHED":
        return "it has finished"
    return f"all its tasks run, and checkpoint {at.checkpoint} is complete ({at.seconds:.0f} s)"


def stop(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """Stop a job with a savepoint, from which `run` goes on. Never drains: open state stays open.

    A job that never ran cannot take a savepoint: it is cancelled, and its claim set aside.

    Example: headrace stop flights
    """
    with progress(f"stopping {job} with a savepoint") as tell:
        stopped = stop_job(workspace_of(ctx), job, tell=tell)
    emit(
        stopped.to_json(),
        fmt,
        lambda: "\n".join(f"{e.flink_job} → {e.savepoint or e.cancelled}" for e in stopped.ends),
    )


def status(
    ctx: typer.Context,
    job: Job,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="First wait until the job is ready, as `run` does; exit 1 if it is not."),
    ] = False,
    timeout: Timeout = DEFAULT_S,
    fmt: Output = Format.text,
) -> None:
    """Show where a job stands: lag, frontier, unpublished files, last checkpoint, restarts, forks.

    With `--wait` it gives `run`'s verdict on what `flink run` or an operator has submitted.

    Example: headrace status flights --wait --timeout 60
    """
    workspace = workspace_of(ctx)
    existing(job)
    unready = None
    if wait:
        with progress(f"waiting for {job}") as tell:
            unready = await_job(workspace, job, timeout, tell)
    program = named(job)
    contract = program.contract
    warehouse, ledger = workspace.warehouse, workspace.ledger(job)
    head = ledger.head()
    source = Source(workspace.kafka, tuple(c.id for c in program.reads))
    asked = ask(source, ledger, head)
    changes = asked.changes
    counted_on = contract.kind == "ingest" and not any(c.other for c in changes)
    behind = _lag(workspace.kafka, contract.topic, ledger, head) if counted_on else Lag({}, None)
    found = branches(workspace, job)
    running, unknown = _flink_jobs(workspace, job, timed=contract.kind == "derive")
    staged = {o.id: Staged(warehouse, o.id).read() for o in program.outputs}
    followed = [b for b in found if b.followed]
    result = {
        "job": job,
        "derived": contract.kind == "derive",
        "flink_jobs": running,
        "flink_error": unknown and unknown.what,
        "batch": head.batch,
        "open_batch": head.batch + 1 if ledger.get(BATCHES, head.batch + 1) else None,
        "versions": head.versions,
        "rows": {o: head.rows[o] for o in head.versions},
        "rows_written": head.written,
        "frontier": head.frontier,
        "topics_changed": [c.to_json() for c in changes],
        "lag": behind.offsets,
        "lag_records": behind.records,
        "claim": followed[0].claim.number if followed else None,
        "state": followed[0].state if followed else "no submission",
        "unpublished_files": sum(
            len(m.files) for b in found if b.state == "ahead" for ms in b.manifests.values() for m in ms
        ),
        "foreseen": foresee(ledger, head, program.outputs, asked, staged).to_json(),
        "forks": [b.to_json() for b in found if b.state == "fork"],
        "set_aside": [b.claim.number for b in found if b.state == "set aside"],
        "replays": {r.number: s for r, s in _open_replays(ledger)},
        "restart_due": restart_is_due(ledger, staged),
        "accepted_losses": [str(s) for d in StandingDecisions.of(ledger.decisions()).losses for s in d.spans],
        "accepted_tails": _tails(ledger, followed),
    }
    emit(result, fmt, lambda: _page(result))
    if refused := unready or unknown:
        raise refused


def _tails(ledger: Ledger, followed: Sequence[ClaimStatus]) -> list[int]:
    """Up to which checkpoints publish takes the rows of a topic that is gone: of the followed claim alone."""
    claims = {b.claim.number for b in followed}
    return [d.checkpoint for d in StandingDecisions.of(ledger.decisions()).tails if d.claim in claims]


def _open_replays(ledger: Ledger) -> list[tuple[Replay, str]]:
    """Replays that are neither published nor given up."""
    found = [(r, replays.state(ledger, r.number)) for r in replays.every(ledger)]
    return [(r, state) for r, state in found if state in ("planned", "begun")]


def _lag(kafka: Kafka, topic: str, ledger: Ledger, head: Head) -> Lag:
    """What the topic holds that is not published. An added partition counts from 0."""
    found = kafka.describe(kafka.topic(topic))
    start = ledger.start()
    begun = start.offsets if start else found.log_start
    frontier = {p: head.frontier.get(p, begun.get(p, 0)) for p in found.log_start}
    return kafka.lag(found, frontier)


def _flink_jobs(
    workspace: Workspace, job: str, *, timed: bool
) -> tuple[list[dict[str, Any]], ClusterError | None]:
    """What Flink says; where it does not answer, why: what the lake holds can be told all the same."""
    try:
        found = live_jobs(workspace, job)
        fresh = not found or workspace.cluster.refresh_metrics()
        return [_flink_job(workspace.cluster, j, timed=timed, fresh=fresh) for j in found], None
    except ClusterError as e:
        return [], e


def _flink_job(cluster: Cluster, job: FlinkJob, *, timed: bool, fresh: bool) -> dict[str, Any]:
    done = cluster.checkpoints(job.id)
    splits = cluster.splits(job.id) if timed else []
    at = event_time(splits)
    return {
        "id": job.id,
        "state": job.state,
        "since": job.started.isoformat(),
        "metrics_of_now": fresh,
        "restarts": cluster.restarts(job.id),
        "checkpoints": {"completed": done.completed, "failed": done.failed},
        "last_checkpoint": done.last.at.isoformat() if done.last else None,
        "state_bytes": done.last.state_bytes if done.last else None,
        "failure": cluster.failure(job.id).cause,
        **(
            {
                "watermark": at and at.isoformat(),
                "unread": cluster.unread(job.id),
                "partitions": [
                    {**asdict(s), "watermark": s.watermark and s.watermark.isoformat()} for s in splits
                ],
            }
            if timed
            else {}
        ),
    }


def _page(s: dict[str, Any]) -> Text:
    running = [_running(j) for j in s["flink_jobs"]]
    forks = [
        f"claim {f['claim']} at {', '.join(sorted({p or 'the beginning' for p in f['forks_at'].values()}))},"
        f" checkpoints {f['checkpoints'][0]}-{f['checkpoints'][1]}:"
        f" `headrace branch show {s['job']} {f['claim']}`"
        for f in s["forks"]
    ]
    lines = {
        f"job {s['job']}": "\n".join(running) or s["flink_error"] or "does not run",
        "published": _published(s),
        **({} if s["derived"] else standing.against_the_topic(s)),
        **standing.changed(s),
        **standing.foreseen(s),
        "staged": standing.staged(s),
        "followed": _followed(s),
        **({"forks": "\n".join(forks)} if forks else {}),
    }
    if s["open_batch"]:
        lines["unfinished"] = f"batch {s['open_batch']} is decided: `headrace publish {s['job']}` finishes it"
    if s["replays"]:
        lines["replays"] = "; ".join(
            f"{n} ({state}): `headrace replay show {s['job']} {n}`" for n, state in s["replays"].items()
        )
    if s["restart_due"]:
        lines["restart"] = "the next start reads on from what is published, as somebody decided"
    if s["accepted_losses"]:
        lines["accepted losses"] = " ".join(s["accepted_losses"])
    if s["accepted_tails"]:
        lines["accepted tails"] = "up to checkpoint " + ", ".join(map(str, s["accepted_tails"]))
    return facts(lines, 20)


def _followed(s: dict[str, Any]) -> str:
    """Which start of the job publish follows, in words that a first run can be read with."""
    if not s["claim"] and s["set_aside"]:
        said = [f"claim {n} is set aside" for n in s["set_aside"]]
        return f"nothing: {', '.join(said)}"
    if not s["claim"]:
        return "nothing: the job was never started"
    return f"start {s['claim']} of the job, its claim {s['claim']}: {_stands(s)}"


def _stands(s: dict[str, Any]) -> str:
    """What the state of the followed claim means here; the line above says what becomes of its files."""
    if s["state"] != "ahead":
        return STATES[s["state"]]
    more = (
        "and has staged more" if s["unpublished_files"] else "with checkpoints since then that have no rows"
    )
    return f"goes on from what is published, {more}"


def _published(s: dict[str, Any]) -> str:
    if not s["batch"]:
        return "nothing yet"
    rows = "\n".join(_rows(o, n, s["rows_written"].get(o, n)) for o, n in s["rows"].items())
    return f"batch {s['batch']}" + (f"\n{rows}" if rows else "")


def _rows(table: str, held: int, written: int) -> str:
    """What a table holds; and how much was written, where rows have taken the place of others."""
    more = "" if written == held else f" ({written:,} written)"
    return f"{counted(held, 'row')} in {table}{more}"


def _running(j: dict[str, Any]) -> str:
    restarts = counted(j["restarts"], "restart")
    last = moment(j["last_checkpoint"], "none yet")
    lines = [f"{j['state']} since {moment(j['since'])}, {restarts}, last checkpoint {last}"]
    if j["failure"]:
        lines.append(j["failure"])
    if not j["metrics_of_now"]:
        lines.append("its workers do not answer: these are their last known values")
    if "watermark" in j:
        unread = "not known yet" if j["unread"] is None else f"{j['unread']:,}"
        size = "unknown" if j["state_bytes"] is None else f"{j['state_bytes'] / 1e6:,.1f} MB"
        at = moment(j["watermark"], "none yet")
        lines.append(f"event time {at}, offsets unread: {unread}, state: {size}")
        if held := [p for p in j["partitions"] if not p["idle"]]:
            lines.append(
                f"held back by {held[0]['name']}: {moment(held[0]['watermark'], 'nothing read yet')}"
            )
        if idle := [p["name"] for p in j["partitions"] if p["idle"]]:
            lines.append(f"silent, and not waited for: {', '.join(idle)}")
        if ahead := [p["name"] for p in j["partitions"] if p["paused"]]:
            lines.append(f"not read for now, too far ahead: {', '.join(ahead)}")
    return "\n".join(lines)
