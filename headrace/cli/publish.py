"""``headrace publish``: staged files become table versions."""

from __future__ import annotations

import re
import signal
import threading
from dataclasses import replace
from typing import Annotated, Any

import structlog
import typer

from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, counted, emit, err, progress
from headrace.errors import ClusterError, UsageError
from headrace.job.assemble import writing
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.records import AcceptLoss, UndoDecision
from headrace.offsets import Span
from headrace.operate.publishers import publisher
from headrace.publish import tail
from headrace.publish.publisher import Published, Publisher
from headrace.publish.to_end import publish_to_end
from headrace.publish.topics import ask

log = structlog.get_logger()
SPAN = re.compile(r"\d{1,9}:\d{1,18}(-\d{1,18})?")


def how_to_publish(table: str) -> str:
    """What brings a table about; a contract's table is not always written by a job of its name."""
    try:
        job = writing(table).job.name
    except UsageError:
        contract = table.partition("__")[0]
        return (
            f"no job here writes it: declare one in jobs/{contract}.py, JOB = Ingest(contract={contract!r})"
        )
    return f"headrace run {job}, if it does not run; then headrace publish {job}"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(publish)


def publish(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
    to_end: Annotated[
        bool, typer.Option("--to-end", help="Go on until all is published that the topic holds now.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long to go on with --to-end.", min=0)
    ] = 600.0,
    every: Annotated[float, typer.Option(help="Seconds between two looks with --follow.", min=0.2)] = 2.0,
    accept_loss: Annotated[
        list[str] | None,
        typer.Option(
            metavar="P:FROM-TO", help="Accept that Kafka deleted these offsets before they were read."
        ),
    ] = None,
    accept_tail: Annotated[
        int | None,
        typer.Option(
            metavar="CHECKPOINT",
            help="Publish what is staged up to this checkpoint, although its topic is gone or another one.",
        ),
    ] = None,
    why: Annotated[str, typer.Option(help="Why; goes into the ledger with --accept-….")] = "",
    undo: Annotated[
        bool,
        typer.Option("--undo", help="Take --accept-… back, as long as nothing behind it is published."),
    ] = False,
    fmt: Output = Format.text,
) -> None:
    """Register finished checkpoints in the tables: one atomic commit a batch, safe to repeat.

    Checkpoints without rows change no table, and wait. A batch of them is made, and says why, once there are
    60, or where an anchor stands among them: a replay begins at what is published.

    Example: headrace publish flights --follow
    """
    workspace = workspace_of(ctx)
    if accept_tail is not None:
        _rule_tail(publisher(workspace, job), accept_tail, why, fmt, undo=undo)
    elif accept_loss or undo:
        _rule(publisher(workspace, job), accept_loss or [], why, fmt, undo=undo)
    if undo:
        return
    if follow:
        _follow(publisher(workspace, job), every, fmt)
    elif to_end:
        _to_end(publisher(workspace, job), timeout, fmt)
    else:
        _show(publisher(workspace, job).once(), job, fmt)


def _rule(following: Publisher, texts: list[str], why: str, fmt: Format, *, undo: bool) -> None:
    """Record that a loss is accepted, or no longer; said on stderr: what is published comes after it."""
    job = following.tables.ledger.job
    spans = [_span(text, job) for text in texts]
    if not spans:
        raise UsageError(
            "--undo needs --accept-loss P:FROM-TO",
            remedy=f"headrace status {job} lists the accepted losses, as they were written",
        )
    if not why:
        given = " ".join(f"--accept-loss {span}" for span in spans) + (" --undo" if undo else "")
        raise UsageError(
            "accepting a loss needs a reason", remedy=f"headrace publish {job} {given} --why TEXT"
        )
    number = _undo(following, spans, why) if undo else _accept(following, spans, why)
    if fmt is Format.text:
        said = "no longer accepts" if undo else "accepts"
        err.print(f"decision {number}: {said} the loss of {' '.join(map(str, spans))}", markup=False)


def _rule_tail(following: Publisher, checkpoint: int, why: str, fmt: Format, *, undo: bool) -> None:
    """Record that rows are published although their topic is gone, or no longer."""
    if not why:
        raise UsageError("accepting a tail needs a reason", remedy='add --why "…"')
    if undo:
        number = tail.take_back(following.tables.ledger, checkpoint, why)
    else:
        number = tail.accept(following.tables.ledger, *following.waiting(), checkpoint, why)
    if fmt is Format.text:
        said = "no longer accepts" if undo else "accepts"
        err.print(f"decision {number}: {said} what is staged up to checkpoint {checkpoint}", markup=False)


def _span(text: str, job: str) -> Span:
    if not SPAN.fullmatch(text) or (span := Span.parse(text)).first > span.last:
        raise UsageError(
            f"{text!r} is not P:FROM-TO, as in 0:100-200", remedy=f"headrace publish {job} names what is lost"
        )
    return span


def _accept(following: Publisher, spans: list[Span], why: str) -> int:
    ledger, source = following.tables.ledger, following.tables.source
    begun = ledger.start()
    cut = [lost for change in ask(source, ledger, ledger.head()).changes for lost in change.lost]
    asked = [span for span in spans if not any(c.covers(span) for c in cut)]
    verdicts = source.holes(begun.topic if begun else following.tables.contract.topic, asked) if asked else {}
    if kept := [span for span in asked if verdicts[span] != "lost"]:
        raise UsageError(
            f"{kept[0]} is not lost: Kafka can still say what is there",
            where=f"topic {following.tables.contract.topic}",
            remedy=f"headrace publish {following.tables.contract.id} names what is lost",
        )
    return ledger.decide(AcceptLoss(why=why, spans=tuple(spans)))


def _undo(following: Publisher, spans: list[Span], why: str) -> int:
    ledger = following.tables.ledger
    standing = [d for d in StandingDecisions.of(ledger.decisions()).losses if list(d.spans) == spans]
    frontier = ledger.head().frontier
    if not standing or any(frontier.get(s.partition, 0) > s.first for s in spans):
        raise UsageError(
            "no such loss is accepted" if not standing else "records after the loss are already published",
            where=f"job {ledger.job}",
            remedy=f"headrace status {ledger.job} lists the accepted losses, as they were written",
        )
    return ledger.decide(UndoDecision(why=why, undoes=standing[-1].number))


def _follow(following: Publisher, every: float, fmt: Format) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        try:
            done = following.once()
        except ClusterError as e:  # a store or a broker that is away for a while comes back
            log.warning("cannot publish now, trying again", what=e.what, where=e.where)
        else:
            if done.batches:
                _show(done, following.tables.ledger.job, fmt)
        stop.wait(every)
    done = following.once()
    if done.batches:
        _show(done, following.tables.ledger.job, fmt)


def _to_end(following: Publisher, within_s: float, fmt: Format) -> None:
    job = following.tables.ledger.job
    if following.tables.contract.kind == "derive":
        raise UsageError(
            f"job {job} derives: its rows are not offsets of a topic, so it has no end to reach",
            remedy=f"headrace publish {job}",
        )
    done: list[Published] = []
    with progress(f"publishing {job} to the end of its topic"):
        publish_to_end(following, within_s, done.append)
    written = {o: sum(d.written.get(o, 0) for d in done) for d in done for o in d.written}
    last = replace(done[-1], written=written) if done else Published(following.tables.ledger.head(), 0, {})
    _show(last, job, fmt)


def _show(done: Published, job: str, fmt: Format) -> None:
    emit(as_json(done), fmt, lambda: _sentence(done, job))


def as_json(done: Published) -> dict[str, Any]:
    """What one publish did, for machines."""
    return {
        "batch": done.head.batch,
        "batches": done.batches,
        "rows": done.head.rows,
        "written": done.written,
        "empty": done.empty,
        "versions": done.head.versions,
        "frontier": done.head.frontier,
        "waiting_for_claim": done.waiting_for,
    }


def _sentence(done: Published, job: str) -> str:
    if done.empty:
        return f"batch {done.head.batch} without rows: {done.empty}"
    if done.batches:
        written = {o: n for o, n in done.written.items() if n}
        tables = [
            f"{counted(n, 'row')} written to {o}, which holds {done.head.rows[o]:,}"
            for o, n in written.items()
        ]
        return f"batch {done.head.batch}: {'; '.join(tables) or 'it was decided before, and is finished now'}"
    if done.waiting_for is not None:
        claim = done.waiting_for
        return (
            f"nothing published: waiting for the first checkpoint of the job's start {claim} (claim {claim})"
        )
    if not done.head.batch:
        return (
            f"nothing is published yet: job {job} has staged nothing that publish takes."
            f" `headrace run {job}` starts it, if it does not run"
        )
    return f"nothing new since batch {done.head.batch}"
