"""``make demo``: the whole pipeline in one run, on real components, from an empty folder to a proved table.

Each step is what a user would do by hand; the README's tour shows the same commands.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timezone
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, TypeVar

from rich.table import Table

from demo.broken import BROKEN, mixed
from demo.flights import FLIGHTS
from headrace import log, project, settings
from headrace.cli.output import err, out, progress
from headrace.cluster import kafka
from headrace.contract.load import load_contract
from headrace.errors import HeadraceError, UsageError
from headrace.job.submission import of_job
from headrace.operate import Workspace
from headrace.operate.parts.flink_jobs import live_jobs
from headrace.operate.start import submit
from headrace.operate.verify import load_derive_program, prove_conservation
from headrace.publish.publisher import Publisher
from headrace.read.quarantine import reasons
from headrace.read.query import query
from headrace.stack import files, local
from headrace.stack.processes import Processes
from headrace.verify.evidence import NoEvidence
from headrace.verify.ingest import verify
from headrace.verify.topic_scan import KafkaTopic

T = TypeVar("T")

JOB = "flights"
HOURLY = "departures_hourly"
WITHIN_S = 600
METRICS_LATE_S = 3
"""The local stack's metrics are about 1 s old: a backlog of 0 may be from before the last records."""
FIRST = 30_000
"""Records sent before the job starts, and published before the others: one batch would show little."""
TOP_DELAYS = """
SELECT carrier, count(*) AS flights, round(avg(dep_delay), 1) AS mean_delay, max(dep_delay) AS worst
FROM flights WHERE NOT cancelled GROUP BY carrier ORDER BY mean_delay DESC LIMIT 5
"""
WORST_HOURS = """
SELECT origin, departure_hour, scheduled, cancelled, very_late, round(mean_delay, 1) AS mean_delay
FROM departures_hourly WHERE scheduled >= 20 AND mean_delay IS NOT NULL ORDER BY mean_delay DESC LIMIT 3
"""


def main() -> None:
    """Run the demo and print its summary."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    arguments = parser.parse_args()
    log.configure(quiet=True)
    try:
        summary = _demo()
    except HeadraceError as e:
        err.print(f"error: {e}", markup=False, style="red")
        sys.exit(e.exit_code)
    if arguments.output == "json":
        print(json.dumps(summary, indent=2, default=str))
    else:
        _show(summary)
    proofs = (summary["verified"], summary["derived"]["verified"])
    sys.exit(0 if all(proof["verdict"] == "proved" for proof in proofs) else 1)


def _demo() -> dict[str, Any]:
    began = time.monotonic()
    os.environ.setdefault(
        "HEADRACE__STACK__SHORT_LIVED", "true"
    )  # saves a fifth of the time; not the default of `stack up`
    env = settings.load()
    _fresh_folder(env)
    with _step("start Kafka, object store and Flink"):
        local.up(env)
    try:
        summary = _pipeline(Workspace(settings.load()))
    finally:
        with _step("stop what was started"):
            local.down(env)
    return {**summary, "seconds": round(time.monotonic() - began, 1)}


def _fresh_folder(env: settings.Settings) -> None:
    """Begin in an empty folder; an existing one is moved aside and kept: it may be a user's own."""
    folder = files.folder(env.stack).path
    if not folder.exists():
        return
    if any(Processes(folder).pid(name) for name in Processes(folder).names()):
        raise UsageError("the stack is running", where=str(folder), remedy="headrace stack down")
    aside = folder.with_name(f"{folder.name}-until-{datetime.now(timezone.utc):%Y%m%dT%H%M%S}")
    folder.rename(aside)
    err.print(f"  the previous stack's data is in {_shown(aside)}", style="dim")
    _print_kept(folder)


def _print_kept(folder: Path) -> None:
    """Print how many folders were moved aside, their size, and the command that removes them."""
    kept = list(folder.parent.glob(f"{folder.name}-until-*"))
    # Blocks, not lengths: Kafka's index files are 10 MB long and hold a few bytes.
    size = sum(f.lstat().st_blocks * 512 for place in kept for f in place.rglob("*"))
    stacks = f"{len(kept)} previous stack{'' if len(kept) == 1 else 's'}"
    remove = f"rm -rf {shlex.quote(_shown(folder))}-until-*"
    err.print(f"  {stacks} kept, {size / 1e6:,.0f} MB in all; to remove: {remove}", style="dim", markup=False)


def _shown(path: Path) -> str:
    """A path as a person in the project's folder would type it."""
    return str(path.relative_to(project.root()) if path.is_relative_to(project.root()) else path)


def _pipeline(workspace: Workspace) -> dict[str, Any]:
    env, contract, warehouse = workspace.settings, load_contract(JOB), workspace.warehouse
    topic = env.kafka.topic(contract.topic)
    records = mixed()
    with _step(f"create the topic and send the first {FIRST:,} records") as update:
        kafka.create_topic(env.kafka.bootstrap, topic, contract.topic_partitions)
        sent = kafka.produce(env.kafka.bootstrap, topic, islice(records, FIRST), update)
    with ThreadPoolExecutor(2) as both:
        with _step("flink run -pym jobs.flights, and jobs.departures_hourly beside it"):
            list(both.map(lambda job: submit(workspace.job(job), of_job(job)), (JOB, HOURLY)))
        with _step("publish the first batch"):
            _first_batch(Publisher(workspace.job(JOB).tables))
        with (
            _meanwhile(lambda more: kafka.produce(env.kafka.bootstrap, topic, more), records) as others,
            _step("publish while the others are sent and both jobs run", FLIGHTS + len(BROKEN)) as update,
        ):
            sent = _publish_until(workspace, sent, others, update)
        with _step("stop both with savepoints"):
            running = [job.id for name in (JOB, HOURLY) for job in live_jobs(workspace.job(name))]
            savepoints = list(both.map(workspace.cluster.stop, running))
        published, hourly = (Publisher(workspace.job(job).tables).publish().head for job in (JOB, HOURLY))
    with _step("verify against Kafka"):
        proof = verify(warehouse, contract.id, KafkaTopic(env.kafka.bootstrap, topic), NoEvidence())
    with _step("verify the derived table against what its job has read"):
        conservation = prove_conservation(workspace, load_derive_program(HOURLY))
    with _step("query"):
        answer = query(warehouse, [JOB], TOP_DELAYS)
        hours = query(warehouse, [HOURLY], WORST_HOURS)
        bad = reasons(warehouse, JOB, {})
    return {
        "topic": {"name": topic, "records": sent, "partitions": contract.topic_partitions},
        "published": {
            "rows": published.rows[JOB],
            "batches": published.batch,
            "version": published.versions[JOB],
            "table": warehouse.table_uri(JOB),
        },
        "quarantined": {"rows": published.rows[f"{JOB}__quarantine"], "by_reason": _by_reason(bad)},
        "frontier": published.frontier,
        "verified": {"verdict": proof.verdict, "sentence": proof.sentence()},
        "derived": {
            "rows": hourly.rows[HOURLY],
            "written": hourly.written[HOURLY],
            "late": hourly.rows[f"{HOURLY}__late"],
            "version": hourly.versions[HOURLY],
            "table": warehouse.table_uri(HOURLY),
            "verified": {"verdict": conservation.verdict, "sentence": conservation.sentence()},
        },
        "top_delays": {"columns": answer.columns, "rows": list(answer.rows)},
        "worst_hours": {"columns": hours.columns, "rows": list(hours.rows)},
        "savepoints": savepoints,
    }


def _first_batch(flights: Publisher) -> None:
    """Publish the first records before the others are sent: what follows cannot land in the same batch."""
    deadline = time.monotonic() + WITHIN_S
    while not flights.publish().head.batch:
        _pause(deadline, "not one batch was published")


@contextlib.contextmanager
def _meanwhile(send: Callable[[Iterable[T]], int], items: Iterator[T]) -> Iterator[Future[int]]:
    """Send in a thread; yield a future of the count or the error. A failure in the block ends it."""
    ended = threading.Event()
    with ThreadPoolExecutor(1, "send") as pool:
        try:
            yield pool.submit(send, takewhile(lambda _: not ended.is_set(), items))
        finally:
            ended.set()


def _publish_until(workspace: Workspace, first: int, others: Future[int], update: Any) -> int:
    """Publish both jobs until everything sent is published, and return the number of records.

    Raises:
        HeadraceError: it took too long, or the sending thread's own.
    """
    flights, hourly = (Publisher(workspace.job(job).tables) for job in (JOB, HOURLY))
    began, told_behind = time.monotonic(), float("inf")
    while True:
        # At each turn, not at the end: an error of the thread must not wait for the deadline.
        sent = first + others.result() if others.done() else None
        if sent is not None:
            told_behind = min(told_behind, time.monotonic() + METRICS_LATE_S)
        done = sum(flights.publish().head.frontier.values())
        hourly.publish()
        update(done)
        if (
            sent is not None
            and done >= sent
            and time.monotonic() > told_behind
            and _nothing_unread(workspace)
        ):
            return sent
        _pause(began + WITHIN_S, f"{done:,} records were published, and not all")


def _nothing_unread(workspace: Workspace) -> bool:
    return all(workspace.cluster.unread(j.id) == 0 for j in live_jobs(workspace.job(HOURLY)))


def _pause(deadline: float, so_far: str) -> None:
    """Wait between two polls.

    Raises:
        UsageError: the deadline has passed.
    """
    if time.monotonic() > deadline:
        raise UsageError(f"{so_far} in {WITHIN_S} s", remedy="headrace status flights; headrace stack logs")
    threading.Event().wait(1)


def _by_reason(found: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for group in found:
        counts[group.reason] = counts.get(group.reason, 0) + group.count
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


@contextlib.contextmanager
def _step(what: str, total: int | None = None) -> Iterator[Any]:
    """One line per step, with its seconds; a progress bar on a terminal while it runs."""
    began = time.monotonic()
    with progress(what, total) as update:
        yield lambda done: update(completed=done)
    err.print(f"  {what}  {time.monotonic() - began:.1f} s", style="dim")


def _show(s: dict[str, Any]) -> None:
    topic, published = s["topic"], s["published"]
    derived = s["derived"]
    reasons_found = ", ".join(f"{reason} {n}" for reason, n in s["quarantined"]["by_reason"].items())
    lines = {
        f"topic {topic['name']}": f"{topic['records']:,} records in {topic['partitions']} partitions",
        "published": f"{published['rows']:,} rows in {published['batches']} batches"
        f"   version {published['version']}   {published['table']}",
        "quarantined": f"{s['quarantined']['rows']:,} rows   by reason: {reasons_found}",
        "frontier": " ".join(f"{p}:{o:,}" for p, o in sorted(s["frontier"].items())),
        "verified": s["verified"]["sentence"],
        "derived": f"{derived['rows']:,} rows, of {derived['written']:,} written"
        f"   version {derived['version']}   {derived['table']}   {derived['late']:,} came too late",
        "verified (derived)": derived["verified"]["sentence"],
    }
    for name, value in lines.items():
        out.print(f"{name:<20} {value}", markup=False)
    for name in ("top_delays", "worst_hours"):
        table = Table(*s[name]["columns"], title=name.replace("_", " "), title_justify="left")
        for row in s[name]["rows"]:
            table.add_row(*map(str, row))
        out.print(table)
    out.print('look around          headrace stack up; headrace query "…"; headrace quarantine show flights')
    out.print(f"took                 {s['seconds']} s")


if __name__ == "__main__":
    main()
