"""``python -m bench.functions``: the cost of a Python function, for each way to call it.

A bounded job in this project's shape (Kafka, strict decode, one call for each flight, Parquet) with the same
small function: not called at all, written in SQL, in Python by row and by the batch behind headrace's guard,
with Flink's own bundles and ours, and in thread mode. All take turns in one run, after a warm-up each. The
CPU is what the kernel counted for the TaskManager and its Python workers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from typing import Any

from bench import running

BUNDLE, BATCH = "python.fn-execution.bundle.size", "python.fn-execution.arrow.batch.size"
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    "no call": ("none", {}),
    "SQL": ("sql", {}),
    "by row, Flink's 1,000": ("scalar", {}),
    "by row, bundles of 20,000": ("scalar", {BUNDLE: "20000"}),
    "by row, in a thread": ("scalar", {"python.execution-mode": "thread"}),
    "by batch, Flink's 1,000": ("pandas", {}),
    "by batch, bundles of 20,000": ("pandas", {BUNDLE: "20000", BATCH: "20000"}),
}


def main() -> None:
    """Measure, print a table, and with ``--json`` one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with running.stack(asked.records) as env:
        for number in range(asked.runs + 1):
            for place, (way, call) in enumerate(WAYS.items()):
                told = {"BENCH_CALL": json.dumps(call)}
                used = running.cpu_seconds(env, "bench.calls", f"{place}-{number}", told)
                note = "" if number else "  (warm-up)"
                print(f"run {number} {way:28s} {used:6.2f} cpu-s{note}", file=sys.stderr)
                if number:
                    seconds[way].append(used)
    result = {"records": asked.records, "seconds": seconds}
    print(json.dumps(result) if asked.json else _text(result))


def _text(result: dict[str, Any]) -> str:
    medians = {way: statistics.median(found) for way, found in result["seconds"].items()}
    floor = medians["no call"]
    millions = result["records"] / 1e6
    lines = [f"{result['records']:,} flights, medians; what the calls cost is above `no call`, per million"]
    lines += [
        f"{way:28s} {used:6.2f} cpu-s   {(used - floor) / millions:6.2f} cpu-s a million calls"
        for way, used in medians.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
