"""``headrace publish``: staged files become table versions."""

from __future__ import annotations

import re
import signal
import threading
from typing import Annotated, Any

import structlog
import typer

from headrace import settings
from headrace.cli.output import Format, Output, emit
from headrace.cluster.kafka import hole_verdicts
from headrace.errors import ClusterError, UsageError
from headrace.job.assemble import named
from headrace.lake.ledger import Ledger
from headrace.lake.publish import Published, Publisher
from headrace.lake.store import connect

log = structlog.get_logger()
SPAN = re.compile(r"\d+:\d+(-\d+)?")


def publisher(job: str) -> Publisher:
    """The publisher of a job in this environment."""
    env = settings.load()
    program = named(job)
    holes = hole_verdicts(env.kafka.bootstrap, env.kafka.topic_prefix)
    return Publisher(connect(env.store), program.contract, program.outputs, holes)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(publish)


def publish(
    job: Annotated[str, typer.Argument(help="The job, as in jobs/JOB.py.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks with --follow.", min=0.2)] = 2.0,
    accept_loss: Annotated[
        list[str] | None,
        typer.Option(
            metavar="P:FROM-TO", help="Accept that Kafka deleted these offsets before they were read."
        ),
    ] = None,
    why: Annotated[str, typer.Option(help="Why; goes into the ledger with --accept-loss.")] = "",
    fmt: Output = Format.text,
) -> None:
    """Register finished checkpoints in the tables: one atomic commit a batch, safe to repeat.

    Example: headrace publish flights --follow
    """
    if accept_loss:
        _accept(job, accept_loss, why)
    if follow:
        _follow(publisher(job), every, fmt)
    else:
        _show(publisher(job).once(), fmt)


def _accept(job: str, spans: list[str], why: str) -> None:
    wrong = [s for s in spans if not SPAN.fullmatch(s)]
    if wrong or not why:
        raise UsageError(
            f"{wrong[0]!r} is not P:FROM-TO" if wrong else "accepting a loss needs a reason",
            remedy='headrace publish flights --accept-loss 0:100-200 --why "retention was too short"',
        )
    Ledger(connect(settings.load().store), job).decide("accept-loss", why=why, spans=spans)


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
                _show(done, fmt)
        stop.wait(every)
    done = following.once()
    if done.batches:
        _show(done, fmt)


def _show(done: Published, fmt: Format) -> None:
    emit(as_json(done), fmt, lambda: _sentence(done))


def as_json(done: Published) -> dict[str, Any]:
    """What one publish did, for machines."""
    return {
        "batch": done.head.batch,
        "batches": done.batches,
        "rows": done.rows,
        "versions": done.head.versions,
        "frontier": done.head.frontier,
        "waiting_for_claim": done.waiting_for,
    }


def _sentence(done: Published) -> str:
    if done.batches:
        rows = ", ".join(f"{n:,} rows to {o}" for o, n in done.rows.items()) or "an unfinished batch"
        return f"batch {done.head.batch}: {rows}"
    if done.waiting_for is not None:
        return f"nothing published: waiting for the first manifest of claim {done.waiting_for}"
    return f"nothing new behind batch {done.head.batch}"
