"""What both benchmarks share: a stack of their own, a filled topic, a bounded job, and its CPU-seconds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from demo.flights import events
from headrace import project, settings
from headrace.cluster import flink, kafka
from headrace.contract.load import load_named
from headrace.stack import files, local
from headrace.stack import flink as local_flink
from headrace.stack.processes import Processes

TICKS = os.sysconf("SC_CLK_TCK")
PREFIX = "bench."


@contextmanager
def stack(records: int) -> Iterator[settings.Settings]:
    """A stack with one slot in use, and at least that many flights in its topic."""
    os.environ["HEADRACE__STACK__FOLDER"] = ".headrace/bench"
    os.environ["HEADRACE__FLINK__PARALLELISM"] = "1"
    env = settings.load()
    local.up(env)
    try:
        _fill(env, records)
        yield env
    finally:
        local.down(env)


def _fill(env: settings.Settings, records: int) -> None:
    """The flights, again and again, until there are enough."""
    contract = load_named("flights")
    topic = f"{PREFIX}{contract.topic}"
    if topic not in kafka.topic_names(env.kafka.bootstrap):
        kafka.create_topic(env.kafka.bootstrap, topic, contract.topic_partitions)
    have = sum(kafka.describe(env.kafka.bootstrap, topic).log_end.values())
    if have < records:
        kafka.produce(env.kafka.bootstrap, topic, islice(_endless(), records - have))


def _endless() -> Iterator[kafka.Message]:
    while True:
        yield from (kafka.Message(e) for e in events())


def cpu_seconds(env: settings.Settings, module: str, name: str, told: Mapping[str, str]) -> float:
    """What the TaskManager and its Python workers used for one whole bounded job.

    Args:
        env: the stack's settings.
        module: the main that submits the job.
        name: of this run; its warehouse.
        told: environment variables for the main.
    """
    place = f"{env.store.warehouse}/bench-{os.getpid()}-{name}"
    own = {
        **os.environ,
        **local_flink.environment(env),
        "HEADRACE__STORE__WAREHOUSE": place,
        "HEADRACE__KAFKA__TOPIC_PREFIX": PREFIX,
        **told,
    }
    before = _cpu(env)
    said = subprocess.run(
        ["flink", "run", "-d", "-pym", module],
        env=own,
        cwd=project.root(),
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"JobID ([0-9a-f]{32})", said.stdout)
    if not found:
        sys.exit(said.stdout + said.stderr)
    _finished(env, found[1])
    return _cpu(env) - before


def _finished(env: settings.Settings, job: str) -> None:
    wait = threading.Event()
    while (state := flink.detail(env.flink.rest, job).job.state) != "FINISHED":
        if state in ("FAILED", "CANCELED"):
            sys.exit(f"job {job} {state}")
        wait.wait(0.2)


def _cpu(env: settings.Settings) -> float:
    """User and system seconds of the TaskManager so far, with those of its children once all have ended."""
    pid = Processes(files.folder(env.stack).path).pid("taskmanager-1")
    wait = threading.Event()
    while any(c.read_text() for c in Path(f"/proc/{pid}/task").glob("*/children")):
        wait.wait(0.2)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS
