"""``headrace publish``: staged files become table versions."""

from __future__ import annotations

import re
import signal
import threading
from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, emit, err, progress
from headrace.cli.pages import publish as pages
from headrace.errors import UsageError
from headrace.offsets import Span
from headrace.operate import Workspace
from headrace.operate import accept as accepting
from headrace.operate.publish import Publication, publish_staged, publish_until, publish_whole_topic

SPAN = re.compile(r"\d{1,9}:\d{1,18}(-\d{1,18})?")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(publish)


def publish(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep publishing until interrupted.")
    ] = False,
    to_end: Annotated[
        bool,
        typer.Option(
            "--to-end", help="Keep publishing until everything that the topic holds now is published."
        ),
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long to keep publishing with --to-end.", min=0)
    ] = 600.0,
    every: Annotated[float, typer.Option(help="Seconds between two attempts with --follow.", min=0.2)] = 2.0,
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
            help="Publish what is staged up to this checkpoint, although its topic is gone or was recreated.",
        ),
    ] = None,
    why: Annotated[str, typer.Option(help="The reason; recorded in the ledger with --accept-….")] = "",
    undo: Annotated[
        bool,
        typer.Option("--undo", help="Undo --accept-…, as long as nothing after it is published."),
    ] = False,
    fmt: Output = Format.text,
) -> None:
    """Register finished checkpoints in the tables: one atomic commit a batch, safe to repeat.

    Checkpoints without rows change no table, and wait. They become a batch, which records why, once there are
    60 of them, or if one of them is an anchor: a replay begins at what is published.

    Example: headrace publish flights --follow
    """
    workspace = workspace_of(ctx)
    if accept_tail is not None:
        tail = accepting.accept_tail(workspace, job, accept_tail, why, undo=undo)
        _confirm(pages.tail_sentence(tail), fmt)
    elif accept_loss or undo:
        spans = [_span(text, job) for text in accept_loss or []]
        loss = accepting.accept_loss(workspace, job, spans, why, undo=undo)
        _confirm(pages.loss_sentence(loss), fmt)
    if undo:
        return
    if follow:
        _follow(workspace, job, every, fmt)
    elif to_end:
        with progress(f"publishing {job} to the end of its topic") as bar:
            done = publish_whole_topic(workspace, job, within_s=timeout, progress=bar)
        _show(done, fmt)
    else:
        _show(publish_staged(workspace, job), fmt)


def _follow(workspace: Workspace, job: str, every: float, fmt: Format) -> None:
    """Publish until this process gets SIGINT or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    publish_until(workspace, job, stop, lambda done: _show(done, fmt), every_s=every)


def _show(done: Publication, fmt: Format) -> None:
    emit(done.to_json(), fmt, lambda: pages.publish_sentence(done))


def _confirm(decision: str, fmt: Format) -> None:
    """Print what was decided to stderr: what is published follows on stdout."""
    if fmt is Format.text:
        err.print(decision, markup=False)


def _span(text: str, job: str) -> Span:
    if not SPAN.fullmatch(text) or (span := Span.parse(text)).first > span.last:
        raise UsageError(
            f"{text!r} is not P:FROM-TO, as in 0:100-200", remedy=f"headrace publish {job} names what is lost"
        )
    return span
