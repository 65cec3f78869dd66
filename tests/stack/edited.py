"""A job of the tests whose statements come and go, with a lock as its author keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headrace.read.tables import open_table
from tests.stack.road import Road
from tests.stack.waiting import until

JOB = "edited"

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
description: {{purpose: A query of a job that is edited.}}
team: {{name: testers}}
servers:
  - {{server: table, type: s3, location: s3://lake/{name}, format: delta}}
schema:
  - name: {name}
    physicalType: table
    logicalType: object
    properties:
      - {{name: lane, logicalType: integer, required: true, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: n, logicalType: integer, required: true}}
      - {{name: most, logicalType: integer, required: true}}
customProperties:
{late}
  - {{property: unboundedState, value: There are few lanes.}}
"""
LATE = {
    "amend": "  - {property: latePolicy, value: amend}\n  - {property: allowedLateness, value: PT2H}",
    "keep": "  - {property: latePolicy, value: keep}",
}
Values = Mapping[int, tuple[int, int]]
"""Lane → count, greatest number."""


@dataclass
class Edited:
    """One job whose statements come and go, with a lock as its author keeps it."""

    road: Road
    late: str
    flink_id: str = ""
    sent: int = 0

    def edit(self, queries: Mapping[str, str]) -> None:
        """Give the job other statements."""
        write(self.road.project, queries, self.late)
        self.road = replace(self.road)

    def plan(self, *options: str, expect: int = 0) -> dict[int, str]:
        """``headrace plan`` with these options; operators with state by id: what becomes of it."""
        output = self.road.headrace("plan", JOB, *options, "-o", "json", expect=expect)
        state: list[dict[str, Any]] = json.JSONDecoder().raw_decode(output)[0]["state"]
        return {v["id"]: v["verdict"] for v in state}

    def undecided(self, *options: str) -> list[dict[str, Any]]:
        """What ``plan --accept`` asks a person to name."""
        output = self.road.headrace("plan", JOB, "--accept", *options, "-o", "json", expect=3)
        return [v for v in json.loads(output)["facts"]["state"] if v["verdict"] not in ("kept", "new")]

    def go(self, *options: str, parallelism: int = 1) -> None:
        """Write the lock, and start the job from where it stopped."""
        self.plan("--accept", *options)
        self.road.parallelism = parallelism
        self.flink_id = self.road.submit()

    def run_json(self, *arguments: str, expect: int = 0) -> Any:
        """Run a command; returns its JSON output."""
        output = self.road.headrace(*arguments, "-o", "json", expect=expect)
        return json.JSONDecoder().raw_decode(output)[0]

    def stop(self) -> None:
        self.road.stop(self.flink_id)

    def send(self, count: int) -> None:
        self.road.produce(range(self.sent, self.sent + count))
        self.sent += count

    def shows(self, table: str, values: Values) -> None:
        """Wait until the published table holds exactly this, and never more on the way."""

        def rows() -> bool:
            self.road.publish()
            if open_table(self.road.warehouse, table) is None:
                return False
            by_lane = {lane: (n, most) for lane, n, most in self.road.rows(table, ("lane", "n", "most"))}
            assert all(by_lane[lane][0] <= values[lane][0] for lane in by_lane), (
                f"{table}: {by_lane}, not {values}"
            )
            return by_lane == values

        until(f"{table} to be {values}", rows)

    def holds(self, table: str, rows: list[tuple[int, ...]]) -> None:
        """Wait until the published table has exactly these rows, of which none is amended."""

        def same() -> bool:
            self.road.publish()
            if open_table(self.road.warehouse, table) is None:
                return False
            published = self.road.rows(table, ("lane", "n", "most"))
            assert set(published) <= set(rows), f"{table}: {published[:10]}, not {rows[:10]}"
            return published == sorted(rows)

        until(f"{table} to have its {len(rows)} rows", same)


def write(project: Path, queries: Mapping[str, str], late: str) -> None:
    """The job's files: one step and one contract a table, in this order."""
    for name, sql in queries.items():
        (project / f"contracts/{name}.odcs.yaml").write_text(CONTRACT.format(name=name, late=LATE[late]))
        (project / f"sql/{JOB}").mkdir(exist_ok=True)
        (project / f"sql/{JOB}/make_{name}.sql").write_text(sql)
    steps, writes = [f"make_{name}" for name in queries], list(queries)
    (project / f"jobs/{JOB}.py").write_text(
        "from headrace.job import Derive, run\n\n"
        f"JOB = Derive(reads=['events'], steps={steps}, writes={writes}, checkpoint_every='500ms')\n\n"
        "if __name__ == '__main__':\n    run(JOB)\n"
    )
