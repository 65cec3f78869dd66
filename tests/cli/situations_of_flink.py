"""Remedies that start, stop or query a job in Flink, or are about one that failed to start."""

from __future__ import annotations

from pathlib import Path

import obstore
import pyarrow.parquet as pq

from headrace.savepoint.retained import savepoint_folder
from tests.cli.events_reader import Reader
from tests.cli.pipeline import SLOTS, Pipeline
from tests.cli.situations import Situation
from tests.cli.situations_of_kafka import recreated, running, stopped

FAILURE = "java.io.IOException: no disk"


def idle(p: Pipeline) -> None:
    """Records wait, and the job was never started."""
    p.topic.send(10)


def slow(p: Pipeline) -> None:
    """Other jobs hold all slots."""
    idle(p)
    p.occupy()


def slots_come(p: Pipeline) -> None:
    p.cluster.add_taskmanager(SLOTS)


def slots_come_later(p: Pipeline) -> None:
    """As above, but only for jobs submitted from now on."""
    p.cluster.slots_in_all += SLOTS


def failing(p: Pipeline) -> None:
    """Jobs submitted from now on fail permanently."""
    idle(p)
    p.cluster.then = lambda job: (p.then(job), p.cluster.fail(job, FAILURE, for_good=True))


def well_again(p: Pipeline) -> None:
    p.cluster.then = p.then


def with_checkpoint(p: Pipeline) -> None:
    p.filled()
    p.filled_in["PATH"] = f"{p.lake.warehouse.uri}/_flink/events/s/checkpoints/j/chk-3"


def with_savepoint(p: Pipeline) -> None:
    stopped(p)
    p.filled_in["PATH"] = p.early


def skipping(p: Pipeline) -> None:
    """The job left out five records that are in the topic."""
    reader = p.filled()
    reader.at = 35
    reader.checkpoint()


def of_another_topic(p: Pipeline) -> None:
    """No row is staged; a batch is needed all the same, since an anchor follows the last one."""
    reader = p.filled()
    reader.checkpoint(30)
    p.do("anchor events --why w")
    p.topic.recreate()


def forked(p: Pipeline) -> Reader:
    """The newest submission was restored from a savepoint before what is published."""
    stopped(p)
    second = p.start(p.early)
    second.checkpoint(15)
    return second


def forked_and_gone(p: Pipeline) -> None:
    forked(p)
    p.cluster.cancel(p.newest)


def unpublished(p: Pipeline) -> None:
    p.filled().checkpoint()


def without_checkpoints(p: Pipeline) -> None:
    """The bucket lost them."""
    stopped(p)
    for key in list(p.lake.warehouse.keys("_flink/")):
        obstore.delete(p.lake.warehouse.objects, key)


def of_unknown_plan(p: Pipeline) -> None:
    """A savepoint of a submission whose plan an older headrace did not keep."""
    claim = p.lake.submit()
    p.lake.seal(claim, range(0))
    folder = f"{p.lake.warehouse.uri}/_flink/savepoints"
    p.filled_in["PATH"] = f"{folder}/savepoint-old"
    Reader(p.lake, p.topic, claim, f"s{claim}", 0).savepoint(p.filled_in["PATH"])


def counted_without_checkpoints(p: Pipeline) -> None:
    """A derive job's batch is published, and Flink has retired the checkpoint that it ends at."""
    p.filled()
    p.do("run events_by_hour")
    p.do("publish events_by_hour")
    for key in list(p.lake.warehouse.keys("_flink/events_by_hour/")):
        obstore.delete(p.lake.warehouse.objects, key)


def retired(p: Pipeline) -> None:
    """Only the first checkpoint is left: the published batch is newer."""
    stopped(p)
    for key in list(p.lake.warehouse.keys("_flink/")):
        if "/chk-1/" not in key:
            obstore.delete(p.lake.warehouse.objects, key)


def of_other_columns(p: Pipeline) -> None:
    """A file was staged under another contract, and is not published."""
    p.filled().checkpoint()
    _without_column(p, "events", "amount")


def counts_of_other_columns(p: Pipeline) -> None:
    """The same for a derive job that has an earlier savepoint."""
    p.filled()
    p.do("run events_by_hour")
    p.do("publish events_by_hour")
    p.do("stop events_by_hour")
    (p.filled_in["PATH"],) = (
        f"{p.lake.warehouse.uri}/{key.removesuffix('/_metadata')}"
        for key in p.lake.warehouse.keys(f"{savepoint_folder('events_by_hour')}/")
    )
    p.do("run events_by_hour")
    _without_column(p, "events_by_hour", "amount")


def _without_column(p: Pipeline, output: str, column: str) -> None:
    """Remove a column from the newest staged file."""
    folder = Path(p.lake.warehouse.table_uri(output).removeprefix("file://")) / "_staged"
    newest = max(folder.rglob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    pq.write_table(pq.read_table(newest, partitioning=None).drop_columns(column), newest)


def restarting(p: Pipeline) -> None:
    """A running job has lost its tasks for now."""
    p.filled()
    p.cluster.complete_checkpoint(p.newest)
    p.cluster.lose_taskmanagers()


def waiting(p: Pipeline) -> None:
    slow(p)
    p.start()


SITUATIONS = [
    Situation(
        ("operate/parts/cut.py: run □", "operate/parts/cut.py: publish □"), running, "verify events_by_hour"
    ),
    Situation(
        ("operate/parts/cut.py: stop □", "operate/parts/cut.py: publish □"),
        counted_without_checkpoints,
        "verify events_by_hour",
    ),
    Situation(("job/start/begin.py: branch restart □ --why TEXT",), retired, "run events"),
    Situation(
        (
            "publish/refusals.py: stop □",
            "publish/refusals.py: branch restart □ --why TEXT",
            "publish/refusals.py: run □",
        ),
        of_other_columns,
        "publish events",
    ),
    Situation(
        (
            "publish/refusals.py: stop □",
            "publish/refusals.py: branch set-aside □ □ --why TEXT",
            "publish/refusals.py: run □ --savepoint PATH",
        ),
        counts_of_other_columns,
        "publish events_by_hour",
    ),
    Situation(
        ("operate/stop.py: status □ --wait",), restarting, "stop events", shows=True, meanwhile=slots_come
    ),
    Situation(("operate/start.py: stop □",), waiting, "status events --wait --timeout 0", shows=True),
    Situation(
        ("operate/publish.py: run □", "operate/publish.py: publish □"), idle, "query 'SELECT 1 FROM events'"
    ),
    Situation(("cli/anchor.py: anchor JOB",), running, "anchor --help", shows=True),
    Situation(
        ("operate/anchors.py: anchor adopt □ PATH",), with_savepoint, "anchor events --why w", shows=True
    ),
    Situation(
        ("operate/anchors.py: anchor □",), with_checkpoint, "anchor adopt events {PATH} --why w", shows=True
    ),
    Situation(("operate/start.py: stop □",), running, "run events"),
    Situation(("publish/to_end.py: run □",), idle, "publish events --to-end"),
    Situation(("cli/pages/publish.py: run □",), idle, "publish events", message="nothing is published yet"),
    Situation(("operate/start.py: run □",), idle, "status events --wait --timeout 0"),
    Situation(
        ("operate/parts/unready.py: status □ --wait",),
        slow,
        "run events --timeout 0",
        shows=True,
        meanwhile=slots_come,
    ),
    Situation(
        ("operate/start.py: run □",),
        slow,
        "run events --timeout 0 --cancel-on-timeout",
        shows=True,
        meanwhile=slots_come,
    ),
    Situation(
        ("operate/parts/unready.py: stop □",), slow, "run events --timeout 0", meanwhile=slots_come_later
    ),
    Situation(
        ("operate/parts/unready.py: branch set-aside □ □ --why TEXT",),
        failing,
        "run events",
        meanwhile=well_again,
    ),
    Situation(
        (
            "publish/batch_checks.py: stop □",
            "publish/batch_checks.py: branch restart □ --why TEXT",
            "publish/batch_checks.py: run □",
        ),
        skipping,
        "publish events",
    ),
    Situation(("publish/refusals.py: stop □",), of_another_topic, "publish events", shows=True),
    Situation(("cli/pages/status.py: branch show □ □",), forked, "status events", shows=True),
    Situation(
        ("cli/pages/standing.py: publish □",),
        unpublished,
        "status events",
        message="that `headrace publish events` takes",
    ),
    Situation(("cli/pages/standing.py: publish □",), recreated, "status events", shows=True),
    Situation(
        ("job/state/restore.py: branch ls □",), of_unknown_plan, "run events --savepoint {PATH}", shows=True
    ),
    Situation(("job/start/begin.py: branch restart □ --why TEXT",), without_checkpoints, "run events"),
    Situation(("job/start/begin.py: branch set-aside □ □ --why TEXT",), forked_and_gone, "run events"),
]
