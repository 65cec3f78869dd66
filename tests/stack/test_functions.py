"""Python functions on a real cluster: an answer or a reason for each row, and no value in any message."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.stack.road import BY_HAND, Road
from tests.stack.waiting import until

MakeRoad = Callable[..., Road]

PERSONAL = "a-personal-value"
RECORDS = 400


def payloads() -> list[bytes]:
    """Every seventh has no amount."""
    return [
        json.dumps({"id": n, "at": "2026-01-01T00:00:00Z"} | ({"amount": 1.25} if n % 7 else {})).encode()
        for n in range(RECORDS)
    ]


def expected(number: int) -> list[tuple[Any, ...]]:
    """What the functions of udfs/failing.py must return for an id."""
    digit, amount = number % 10, "1.25" if number % 7 else None
    reasons = {1: "bad_value", 2: "wrong_type", 3: "out_of_range", 4: "system_exit"}
    spelt = (None, reasons[digit]) if digit in reasons else (f"{number} {amount}", None)
    half = {1: (None, "bad_value"), 5: (None, None)}.get(digit, (str(number // 2), None))
    counted = [(f"{number} first", None), (f"{number} {amount or 'nothing'}", None)]
    rows = [("scalar", *(spelt if amount else (None, None))), ("pandas", *half)]
    rows += [("table", *row) for row in ([(None, "bad_value")] if digit == 1 else counted)]
    return [(number, *row) for row in rows]


def logged(road: Road) -> dict[Path, str]:
    """What the processes of the stack have logged, by file."""
    folder = Path(road.stack.environment["FLINK_LOG_DIR"])
    return {p: p.read_text(errors="replace") for p in folder.iterdir() if p.is_file()}


def test_a_failing_function_gives_a_reason_and_its_message_appears_nowhere(make_road: MakeRoad) -> None:
    road = make_road(options=BY_HAND, parallelism=1, partitions=1, job="events_told")
    before = logged(road)  # of the control, if it came first
    road.send(payloads())
    job = road.flink_run(module="jobs.events_told")
    road.settle(job, claim=1)
    road.publish()
    rows = Counter(road.rows("events_told", ("id", "way", "answer", "reason")))
    assert rows == Counter(row for n in range(RECORDS) for row in expected(n))
    assert road.rest(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"] == []
    logs = {path: text[len(before.get(path, "")) :] for path, text in logged(road).items()}
    assert any("events_told" in text for text in logs.values()), "these are the logs of the job"
    assert [path.name for path, text in logs.items() if PERSONAL in text] == []
    road.stop(job)
    road.send([json.dumps({"id": RECORDS, "at": "2026-01-01T00:00:01Z", "amount": 1.25}).encode()])
    road.settle(road.submit(), claim=2)  # on the cluster that ran the job before: a session cluster
    road.publish()
    assert [r for r in road.rows("events_told", ("id", "way")) if r[0] == RECORDS] == [
        (RECORDS, way) for way in ("pandas", "scalar", "table", "table")
    ]


def test_without_the_guard_a_value_leaks_into_the_exception_history(make_road: MakeRoad) -> None:
    road = make_road(options=BY_HAND, parallelism=1, partitions=1, job="events_told")
    road.send(payloads()[:20])
    output = road.flink("run", "-d", "-pym", "jobs.events_unguarded")
    job = output.rpartition("JobID ")[2].split()[0]

    def failed() -> str:
        entries = road.rest(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"]
        return "".join(e["stacktrace"] for e in entries)

    assert PERSONAL in until("the job to fail", failed)


def test_compiling_again_gives_the_committed_lock(make_road: MakeRoad, tmp_path: Path) -> None:
    road = make_road(job="events_told")
    committed = road.project / "jobs" / "events_told.lock.json"
    road.project = Path(shutil.copytree(road.project, tmp_path / "again", symlinks=True))
    (lock := road.project / "jobs" / committed.name).unlink()
    road.headrace("plan", "events_told", "--accept")
    assert lock.read_text() == committed.read_text()
