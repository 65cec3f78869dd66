"""``python -m bench.ingest``: CPU-seconds of our ingest job against plain Flink SQL, in one run.

Same Flink, same TaskManager, one slot, same columns (partition and offset too), same codec and
settings, object reuse on. The two take turns after one warm-up each; medians of the runs and the
ratio of the medians are printed. CPU is what the kernel counted for the TaskManager process, so
reading, decoding, rules, writing and committing are all in it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from demo.flights import events
from headrace import project, settings
from headrace.cluster import flink, kafka
from headrace.contract.load import load_named
from headrace.stack import files, local
from headrace.stack import flink as local_flink
from headrace.stack.processes import Processes

TICKS = os.sysconf("SC_CLK_TCK")
WAYS = ("headrace", "plain")
MODULES = {"headrace": "bench.ours", "plain": "bench.plain"}


def main() -> None:
    """Measure, print a table, and with ``--json`` one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    os.environ["HEADRACE__STACK__FOLDER"] = ".headrace/bench"
    os.environ["HEADRACE__FLINK__PARALLELISM"] = "1"
    os.environ["BENCH_TOPIC"] = "bench.flights"
    env = settings.load()
    local.up(env)
    try:
        result = _measure(env, asked.runs, asked.records)
    finally:
        local.down(env)
    print(json.dumps(result) if asked.json else _text(result))


def _measure(env: settings.Settings, runs: int, records: int) -> dict[str, Any]:
    _fill(env, records)
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(runs + 1):
        for way in WAYS:
            used = _run(env, way, number)
            note = "" if number else "  (warm-up)"
            print(f"run {number} {way:9s} {used:6.2f} cpu-s{note}", file=sys.stderr)
            if number:
                seconds[way].append(used)
    medians = {way: statistics.median(found) for way, found in seconds.items()}
    return {
        "records": records,
        "seconds": seconds,
        "medians": medians,
        "ratio": round(medians["headrace"] / medians["plain"], 3),
    }


def _fill(env: settings.Settings, records: int) -> None:
    """The flights, again and again, until there are enough."""
    contract = load_named("flights")
    topic = f"bench.{contract.topic}"
    if topic not in kafka.topic_names(env.kafka.bootstrap):
        kafka.create_topic(env.kafka.bootstrap, topic, contract.topic_partitions)
    have = sum(kafka.describe(env.kafka.bootstrap, topic).log_end.values())
    if have < records:
        kafka.produce(env.kafka.bootstrap, topic, islice(_endless(), records - have))


def _endless() -> Iterator[kafka.Message]:
    while True:
        yield from (kafka.Message(e) for e in events())


def _run(env: settings.Settings, way: str, number: int) -> float:
    """CPU-seconds that the TaskManager used for one whole bounded job."""
    place = f"{env.store.warehouse}/bench-{os.getpid()}-{way}-{number}"
    own = {
        **os.environ,
        **local_flink.environment(env),
        "HEADRACE__STORE__WAREHOUSE": place,
        "HEADRACE__KAFKA__TOPIC_PREFIX": "bench.",
    }
    before = _cpu(env)
    said = subprocess.run(
        ["flink", "run", "-d", "-pym", MODULES[way]],
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
    """User and system seconds of the TaskManager so far."""
    pid = Processes(files.folder(env.stack).path).pid("taskmanager-1")
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _text(result: dict[str, Any]) -> str:
    lines = [f"{result['records']:,} flights, medians of {len(result['seconds']['plain'])} runs"]
    lines += [f"{way:9s} {result['medians'][way]:6.2f} cpu-s" for way in WAYS]
    return "\n".join([*lines, f"ratio     {result['ratio']:6.2f}   (headrace / plain; every check on)"])


if __name__ == "__main__":
    main()
