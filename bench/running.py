"""What the benchmarks share: a stack of their own, a filled topic, a bounded job, and its CPU-seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from demo.flights import events
from headrace import project, settings
from headrace.cluster import Cluster, Submission, kafka
from headrace.contract.load import load_contract
from headrace.operate.workspace import session_cluster
from headrace.stack import files, local
from headrace.stack.processes import Processes

TICKS = os.sysconf("SC_CLK_TCK")
PREFIX = "bench."


@contextmanager
def stack(records: int) -> Iterator[settings.Settings]:
    """A stack with one slot in use, and at least that many flights in its topic."""
    with empty_stack() as env:
        _fill(env, records)
        yield env


@contextmanager
def empty_stack() -> Iterator[settings.Settings]:
    """A stack whose jobs take one slot each."""
    os.environ["HEADRACE__STACK__FOLDER"] = str(project.root() / ".headrace/bench")
    os.environ["HEADRACE__FLINK__PARALLELISM"] = "1"
    env = settings.load()
    local.up(env)
    try:
        yield env
    finally:
        local.down(env)


def headrace(*arguments: str) -> Any:
    """Run one command as a user would, and return its JSON output."""
    said = subprocess.run(
        command(*arguments), cwd=project.root(), capture_output=True, text=True, check=False
    )
    if said.returncode:
        sys.exit(said.stdout + said.stderr)
    return json.loads(said.stdout)


def command(*arguments: str) -> list[str]:
    """The command line of :func:`headrace`."""
    return [sys.executable, "-m", "headrace", *arguments, "-o", "json"]


def _fill(env: settings.Settings, records: int) -> None:
    """Send the flights repeatedly until there are enough."""
    contract = load_contract("flights")
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
    """The CPU-seconds of the TaskManager and its Python workers for one whole bounded job.

    Args:
        env: the stack's settings.
        module: the main that submits the job.
        name: of this run; its warehouse.
        told: environment variables for the main.
    """
    place = f"{env.store.warehouse}/bench-{os.getpid()}-{name}"
    own = {"HEADRACE__STORE__WAREHOUSE": place, "HEADRACE__KAFKA__TOPIC_PREFIX": PREFIX, **told}
    cluster = session_cluster(env)
    tree = _Tree(Processes(files.folder(env.stack).path).pid("taskmanager-1"))
    _finished(cluster, cluster.submit(Submission(name, module, environment=own)), tree)
    return tree.seconds()


class _Tree:
    """The CPU of a process and of its descendants, some of which outlive their parents."""

    def __init__(self, root: int | None) -> None:
        self.root = str(root)
        self.last: dict[str, int] = {}
        self.look()
        self.before = self.last[self.root]

    def look(self) -> bool:
        """Record what each process has used; return whether any except the root is alive."""
        parents: dict[str, str] = {}
        used: dict[str, int] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            parents[stat.parent.name], used[stat.parent.name] = fields[1], int(fields[11]) + int(fields[12])
        for pid in parents:
            above = pid
            while above in parents and above not in self.last and above != self.root:
                above = parents[above]
            if above in self.last or above == self.root:
                self.last[pid] = used[pid]
        return len(used.keys() & self.last.keys()) > 1

    def seconds(self) -> float:
        """The CPU time used since the beginning, in seconds."""
        return (sum(self.last.values()) - self.before) / TICKS


def _finished(cluster: Cluster, job: str, tree: _Tree) -> None:
    """Poll until the job is done and all its workers have ended."""
    wait = threading.Event()
    while (state := cluster.detail(job).job.state) != "FINISHED" or tree.look():
        if state in ("FAILED", "CANCELED"):
            sys.exit(f"job {job} {state}")
        tree.look()
        wait.wait(0.1)
    tree.look()
