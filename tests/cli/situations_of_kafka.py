"""Remedies that query Kafka: a real broker answers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from deltalake import DeltaTable

from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.cli.derived_lake import Lake as DerivedLake
from tests.cli.pipeline import Pipeline
from tests.cli.situations import Situation
from tests.stack.submitting import look_in

ROOT = Path(__file__).parents[2]


def stopped(p: Pipeline) -> None:
    p.filled()
    p.do("stop events")


def running(p: Pipeline) -> None:
    p.filled()


def redriven(p: Pipeline) -> None:
    p.filled()
    p.do("quarantine redrive events --at 0:26 --why w")


def undo_patch(p: Pipeline) -> None:
    redriven(p)
    p.do("patch rollback events 1 --why w")


def without_topic(p: Pipeline) -> None:
    p.topic.delete()


def recreated(p: Pipeline) -> None:
    p.filled()
    p.topic.recreate()


def row_lost(p: Pipeline) -> None:
    """Another program deleted a row."""
    p.filled()
    DeltaTable(p.lake.warehouse.table_uri("events")).delete("_offset = 3")


def staged(p: Pipeline) -> None:
    p.topic.send(10)
    p.start().checkpoint()


def log_cut(p: Pipeline) -> None:
    """The first version of a table can no longer be read; the newest can."""
    p.filled()
    log = Path(p.lake.warehouse.table_uri("events").removeprefix("file://")) / "_delta_log"
    DeltaTable(p.lake.warehouse.table_uri("events")).create_checkpoint()
    (log / f"{0:020d}.json").unlink()


def savepoint_fails(p: Pipeline) -> None:
    """The store refuses writes."""
    p.filled()
    p.cluster.unwritable = {p.lake.warehouse.uri: "java.io.IOException: could not write it"}


def with_service_level(p: Pipeline) -> None:
    """The contract promises something that is not measured."""
    p.filled()
    copy = p.folder / "project"
    shutil.copytree(os.environ["HEADRACE_PROJECT"], copy)
    contract = copy / "contracts/events.odcs.yaml"
    promise = "slaProperties:\n  - property: latency\n    value: 1\n    unit: d\n"
    contract.write_text(contract.read_text() + promise)
    os.environ["HEADRACE_PROJECT"] = str(copy)
    look_in(str(copy))


def counted_beside_others(p: Pipeline) -> None:
    """A job of this project, one of whose tables counts the rows that the job has read."""
    os.environ["HEADRACE_PROJECT"] = str(ROOT)
    look_in(str(ROOT))
    lake = DerivedLake(connect(Store(warehouse=p.lake.warehouse.uri)))
    lake.derived("flights_measured", {"flights_measured": range(6)})


def tail_accepted(p: Pipeline) -> None:
    """Rows of a topic that is gone were accepted, and are published."""
    p.filled().checkpoint()
    p.topic.recreate()
    p.do("publish events --accept-tail 4 --why w")


SITUATIONS = [
    Situation(
        ("operate/accept.py: status □",),
        tail_accepted,
        "publish events --accept-tail 4 --undo --why w",
        shows=True,
    ),
    Situation(("publish/to_end.py: status □",), running, "publish events --to-end --timeout 0", shows=True),
    Situation(("operate/anchors.py: status □",), stopped, "anchor events --why w", shows=True),
    Situation(("operate/stop.py: status □",), stopped, "stop events", shows=True),
    Situation(("operate/verify.py: verify □",), counted_beside_others, "verify flight_delays", shows=True),
    Situation(("cli/pages/patch.py: verify □",), redriven, "patch show events 1", shows=True),
    Situation(
        ("operate/accept.py: status □",),
        running,
        "publish events --undo --accept-loss 0:1-2 --why w",
        shows=True,
    ),
    Situation(("operate/topic.py: topic create □",), without_topic, "topic show events"),
    Situation(("cli/pages/topic_proof.py: branch ls □",), row_lost, "verify events", shows=True),
    Situation(("cli/pages/topic_proof.py: status □",), recreated, "verify events", shows=True),
    Situation(("cluster/session.py: status □",), savepoint_fails, "anchor events --why w", shows=True),
    Situation(("operate/check.py: status □",), with_service_level, "check", shows=True),
    Situation(
        ("publish/publisher.py: status □",), running, "publish events --accept-tail 9 --why w", shows=True
    ),
    Situation(("verify/batch_tables.py: publish □",), staged, "verify events"),
    Situation(("verify/batch_tables.py: verify □",), log_cut, "verify events --batch 1", shows=True),
    Situation(("cli/pages/patch.py: verify □",), undo_patch, "patch show events 2", shows=True),
    Situation(
        ("replay/plan.py: status □",), running, "replay plan events --from-offsets 0:30 --why w", shows=True
    ),
    Situation(
        ("replay/bounded.py: status □",),
        running,
        "replay plan events --from-offsets 9:0 --to-offsets 9:5 --why w",
        shows=True,
    ),
    Situation(
        ("replay/plan.py: status □",), running, "replay plan events --from-offsets 9:0 --why w", shows=True
    ),
]
