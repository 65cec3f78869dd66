"""``python -m bench.ingest``: CPU-seconds of our ingest job against plain Flink SQL, in one run.

Same Flink, same TaskManager, one slot, same columns (partition and offset too), same codec and
settings, object reuse on. The two take turns after one warm-up each; medians of the runs and the
ratio of the medians are printed. CPU is what the kernel counted for the TaskManager process, so
reading, decoding, rules, writing and committing are all in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from typing import Any

from bench import running
from headrace import settings

MODULES = {"headrace": "bench.ours", "plain": "bench.plain"}


def main() -> None:
    """Measure, print a table, and with ``--json`` one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with running.stack(asked.records) as env:
        result = _measure(env, asked.runs, asked.records)
    print(json.dumps(result) if asked.json else _text(result))


def _measure(env: settings.Settings, runs: int, records: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {way: [] for way in MODULES}
    for number in range(runs + 1):
        for way, module in MODULES.items():
            used = running.cpu_seconds(env, module, f"{way}-{number}", {})
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


def _text(result: dict[str, Any]) -> str:
    lines = [f"{result['records']:,} flights, medians of {len(result['seconds']['plain'])} runs"]
    lines += [f"{way:9s} {result['medians'][way]:6.2f} cpu-s" for way in MODULES]
    return "\n".join([*lines, f"ratio     {result['ratio']:6.2f}   (headrace / plain; every check on)"])


if __name__ == "__main__":
    main()
