"""``python -m bench.replay``: how long each stage of a replay takes, and how fast it reads.

One slot for the job, one for its fork, checkpoints so short that there are about a thousand files. The job
first reads the whole topic as fast as it can; then a replay reads all of it again, beside the idle job.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from bench import running
from bench.running import headrace
from headrace import settings
from headrace.cluster import kafka
from headrace.operate import Workspace
from headrace.publish.publisher import Publisher
from headrace.stack import flink as local_flink

CHECKPOINTS = {"execution.checkpointing.interval": "200 ms"}
WITHIN_S = 900


def main() -> None:
    """Measure, print a table, and with ``--json`` one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with running.stack(asked.records) as env:
        os.environ["HEADRACE__STORE__WAREHOUSE"] = f"{env.store.warehouse}/bench-{os.getpid()}-replay"
        os.environ["HEADRACE__KAFKA__TOPIC_PREFIX"] = running.PREFIX
        os.environ["HEADRACE__FLINK__OPTIONS"] = json.dumps(CHECKPOINTS)
        os.environ.update(local_flink.environment(env))
        result = _measure(settings.load())
    print(json.dumps(result) if asked.json else _text(result))


def _measure(env: settings.Settings) -> dict[str, Any]:
    topic = kafka.describe(env.kafka.bootstrap, env.kafka.topic("flights"))
    end = sum(topic.log_end.values())
    seconds: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        found = work()
        seconds[stage] = round(time.monotonic() - began, 1)
        print(f"{stage:10s} {seconds[stage]:7.1f} s", file=sys.stderr)
        return found

    headrace("run", "flights")
    live = Publisher(Workspace(settings.load()).job("flights").tables)
    timed("live", lambda: _until(lambda: sum(live.publish().head.frontier.values()) >= end))
    planned = timed(
        "plan", lambda: headrace("replay", "plan", "flights", "--from-offsets", "0:0", "--why", "bench")
    )
    headrace("replay", "run", "flights", "1", "--no-wait")
    timed("catch up", lambda: headrace("replay", "run", "flights", "1"))
    compared = timed("diff", lambda: headrace("replay", "diff", "flights", "1"))
    timed("swap", lambda: headrace("replay", "publish", "flights", "1"))
    timed("rollback", lambda: headrace("replay", "rollback", "flights", "1", "--why", "bench"))
    return {
        "records": end,
        "files": sum(sizes["files"] for sizes in planned["replaces"].values()),
        "compared": compared["compared"],
        "seconds": seconds,
        "faster": round(seconds["live"] / seconds["catch up"], 2),
    }


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not done():
        if time.monotonic() > deadline:
            sys.exit("it takes too long")
        time.sleep(0.2)


def _text(result: dict[str, Any]) -> str:
    lines = [f"{result['records']:,} flights in {result['files']:,} files"]
    lines += [f"{stage:9s} {seconds:7.1f} s" for stage, seconds in result["seconds"].items()]
    return "\n".join([*lines, f"caught up {result['faster']:7.2f} times as fast as the job read the topic"])


if __name__ == "__main__":
    main()
