"""Publish what a job has staged: once, to the end of its topic, or until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from headrace.errors import ClusterError, UsageError
from headrace.job.assemble import load_program_of_table
from headrace.operate.workspace import Workspace
from headrace.progress import Progress, silent
from headrace.publish.publisher import Published, Publisher
from headrace.publish.to_end import publish_to_end

log = structlog.get_logger()


@dataclass(frozen=True)
class Publication:
    """What one call published, and what is published now."""

    job: str
    published: Published

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        done = self.published
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


def publish_staged(workspace: Workspace, job: str) -> Publication:
    """Register finished checkpoints in the tables: one atomic commit a batch, safe to repeat.

    Raises:
        UsageError: there is no such job.
        DecisionNeeded: the followed chain is a fork, a topic was recreated, or Kafka lost records.
        ConservationError: an offset would be published twice, or never.
    """
    return Publication(job, Publisher(workspace.job(job).tables).publish())


def publish_whole_topic(
    workspace: Workspace, job: str, *, within_s: float = 600.0, progress: Progress = silent
) -> Publication:
    """Publish repeatedly until everything that the topic of an ingest job holds now is published.

    Args:
        workspace: of the environment.
        job: an ingest job.
        within_s: seconds; what is published by then stays published.
        progress: called with the newest batch.

    Raises:
        UsageError: there is no such ingest job, or it never ran.
        ClusterError: the deadline has passed; names the offsets that are left.
        HeadraceError: as :func:`publish_staged`.
    """
    publisher = Publisher(workspace.job(job).tables)
    if not publisher.tables.contract.has_topic:
        raise UsageError(
            f"job {job} is a derive job: its rows are not offsets of a topic, so there is no end to reach",
            remedy=f"headrace publish {job}",
        )
    doing = f"publishing {job} to the end of its topic"
    progress(what=doing)
    done: list[Published] = []

    def keep(published: Published) -> None:
        done.append(published)
        progress(what=f"{doing}: batch {published.head.batch}")

    publish_to_end(publisher, within_s, keep)
    written = {o: sum(d.written.get(o, 0) for d in done) for d in done for o in d.written}
    if not done:
        return Publication(job, Published(publisher.tables.ledger.head(), 0, {}))
    return Publication(job, replace(done[-1], written=written))


def publish_until(
    workspace: Workspace,
    job: str,
    stop: threading.Event,
    report: Callable[[Publication], None],
    *,
    every_s: float = 2.0,
) -> None:
    """Publish whatever is ready, every few seconds, until ``stop`` is set; then once more.

    If a store or a broker is unavailable for a while, it is tried again.

    Args:
        workspace: of the environment.
        job: the job.
        stop: ends it before the next attempt.
        report: called with each publication that made a batch.
        every_s: seconds between two attempts.

    Raises:
        HeadraceError: as :func:`publish_staged`, except for a cluster that does not answer.
    """
    publisher = Publisher(workspace.job(job).tables)
    while not stop.is_set():
        try:
            done = publisher.publish()
        except ClusterError as e:
            log.warning("cannot publish now, trying again", what=e.what, where=e.where)
        else:
            if done.batches:
                report(Publication(job, done))
        stop.wait(every_s)
    done = publisher.publish()
    if done.batches:
        report(Publication(job, done))


def how_to_publish(table: str) -> str:
    """The commands that create a table; the job that writes it need not have the name of its contract."""
    try:
        job = load_program_of_table(table).job.name
    except UsageError:
        contract = table.partition("__")[0]
        return (
            f"no job here writes it: declare one in jobs/{contract}.py, JOB = Ingest(contract={contract!r})"
        )
    return f"headrace run {job}, if it is not running; then headrace publish {job}"
