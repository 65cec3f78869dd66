"""State follows meaning: a job is edited again and again, and each query keeps its own numbers (G5)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from road import Road
from waiting import until

from headrace.job import lock
from headrace.lake.tables import open_table

MakeRoad = Callable[..., Road]
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
COUNTS = "SELECT MOD(id, 2) AS lane, COUNT(*) AS n, MAX(id) AS most FROM events GROUP BY MOD(id, 2)"
FROM_1000 = COUNTS.replace("FROM events", "FROM events WHERE id >= 1000")
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
        said = self.road.headrace("plan", JOB, *options, "-o", "json", expect=expect)
        found: list[dict[str, Any]] = json.JSONDecoder().raw_decode(said)[0]["state"]
        return {v["id"]: v["verdict"] for v in found}

    def asked(self, *options: str) -> list[dict[str, Any]]:
        """What ``plan --accept`` asks a person to name."""
        said = self.road.headrace("plan", JOB, "--accept", *options, "-o", "json", expect=3)
        return [v for v in json.loads(said)["facts"]["state"] if v["verdict"] not in ("kept", "new")]

    def go(self, *options: str, parallelism: int = 1) -> None:
        """Write the lock, and start the job from where it stopped."""
        self.plan("--accept", *options)
        self.road.parallelism = parallelism
        self.flink_id = self.road.submit()

    def told(self, *arguments: str) -> dict[str, Any]:
        """What a command says."""
        found: dict[str, Any] = json.JSONDecoder().raw_decode(self.road.headrace(*arguments, "-o", "json"))[0]
        return found

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
            found = {lane: (n, most) for lane, n, most in self.road.rows(table, ("lane", "n", "most"))}
            assert all(found[lane][0] <= values[lane][0] for lane in found), f"{table}: {found}, not {values}"
            return found == values

        until(f"{table} to be {values}", rows, 60)

    def holds(self, table: str, rows: list[tuple[int, ...]]) -> None:
        """Wait until the published table has exactly these rows, of which none is amended."""

        def same() -> bool:
            self.road.publish()
            if open_table(self.road.warehouse, table) is None:
                return False
            found = self.road.rows(table, ("lane", "n", "most"))
            assert set(found) <= set(rows), f"{table}: {found[:10]}, not {rows[:10]}"
            return found == sorted(rows)

        until(f"{table} to have its {len(rows)} rows", same, 60)


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


@pytest.fixture
def edited(
    make_road: MakeRoad, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Edited]:
    own = tmp_path / "project"
    shutil.copytree(project, own, symlinks=True)

    def make(queries: Mapping[str, str], late: str = "amend") -> Edited:
        write(own, queries, late)
        road = make_road(project=own, job=JOB, parallelism=1)

        def compiled(program: Any, _environment: Mapping[str, str]) -> lock.Lock:
            # By the client that is there: a fresh process costs ten CPU-seconds, and its ids are the same
            # each time; here they never are.
            plan = json.loads(road.client.compile(JOB, road.overrides()))
            return lock.Lock(program.digest(), plan, max(n["id"] for n in plan["nodes"]) + 1)

        monkeypatch.setattr(lock, "compile_lock", compiled)
        return Edited(road, late)

    return make


def test_statements_come_move_and_go_and_each_keeps_its_own_numbers(edited: Callable[..., Edited]) -> None:
    job = edited({JOB: COUNTS})
    job.go()
    job.send(1000)
    job.shows(JOB, {0: (500, 998), 1: (500, 999)})
    job.stop()

    # One of the same shape comes, and then another before it: unpinned, the two would swap their numbers.
    job.edit({JOB: COUNTS, "other": FROM_1000})
    assert sorted(job.plan(expect=3).values()) == ["kept"] * 5 + ["new"] * 2
    job.go()
    job.send(1000)
    job.shows(JOB, {0: (1000, 1998), 1: (1000, 1999)})
    job.shows("other", {0: (500, 1998), 1: (500, 1999)})
    job.stop()
    job.edit({JOB: COUNTS, "before": FROM_1000.replace("1000", "2000"), "other": FROM_1000})
    job.go()
    job.send(1000)
    job.shows("before", {0: (500, 2998), 1: (500, 2999)})
    job.shows("other", {0: (1000, 2998), 1: (1000, 2999)})
    job.stop()

    # The order of statements, and how many work at it, are nothing to the state.
    job.edit({JOB: COUNTS, "other": FROM_1000, "before": FROM_1000.replace("1000", "2000")})
    assert set(job.plan(expect=3).values()) == {"kept"}
    job.go(parallelism=2)
    job.send(1000)
    job.shows(JOB, {0: (2000, 3998), 1: (2000, 3999)})
    job.shows("before", {0: (1000, 3998), 1: (1000, 3999)})
    job.shows("other", {0: (1500, 3998), 1: (1500, 3999)})
    job.stop()

    # A filter changes what is counted, and a query goes: a person has to say so, and the others go on.
    job.edit({JOB: COUNTS, "other": FROM_1000.replace("id >= 1000", "id >= 1000 AND id <> 4001")})
    asked = {(v["verdict"], v["operator"]): v for v in job.asked()}
    assert asked.keys() == {
        ("changed", "group-aggregate"),
        ("dropped", "group-aggregate"),
        ("dropped", "sink"),
    }
    assert "4001" in asked["changed", "group-aggregate"]["what"]
    options = {"changed": "--changing", "dropped": "--losing"}
    names = [(options[verdict], str(found["id"])) for (verdict, _), found in asked.items()]
    assert len(job.asked(*names[0])) == 3, "one that is named does not let the others through"
    job.go(*(option for name in names for option in name), parallelism=2)
    job.send(1000)
    job.shows(JOB, {0: (2500, 4998), 1: (2500, 4999)})
    job.shows("other", {0: (2000, 4998), 1: (1999, 4999)})
    assert len(job.road.rows("before", ("lane",))) == 2, "what was published stays"


def test_a_lock_that_swaps_the_state_of_two_queries_is_not_let_through(edited: Callable[..., Edited]) -> None:
    job = edited({JOB: COUNTS, "other": FROM_1000})
    job.go()
    job.send(2000)
    job.shows(JOB, {0: (1000, 1998), 1: (1000, 1999)})
    job.stop()
    place = job.road.project / f"jobs/{JOB}.lock.json"
    told = json.loads(place.read_text())
    one, other = (n["id"] for n in told["plan"]["nodes"] if "group-aggregate" in n["type"])
    swapped = {one: other, other: one}
    for node in told["plan"]["nodes"]:
        node["id"] = swapped.get(node["id"], node["id"])
    for edge in told["plan"]["edges"]:
        edge |= {k: swapped.get(edge[k], edge[k]) for k in ("source", "target")}
    place.write_text(json.dumps(told))

    refused = json.loads(job.road.headrace("run", JOB, "-o", "json", expect=3))

    assert f"group-aggregate ({one}) is changed; group-aggregate ({other}) is changed" in refused["what"]


OF_EACH_KIND = {
    JOB: """
        SELECT MOD(id, 2) AS lane, COUNT(*) AS n, MAX(id) AS most
        FROM events GROUP BY TUMBLE(_event_time, INTERVAL '1' DAY), MOD(id, 2)""",
    "first_seen": """
        SELECT lane, CAST(1 AS BIGINT) AS n, id AS most FROM (
          SELECT MOD(id, 2) AS lane, id,
                 ROW_NUMBER() OVER (PARTITION BY MOD(id, 2) ORDER BY _event_time ASC) AS place
          FROM events
        ) WHERE place = 1""",
    "greatest": """
        SELECT lane, place AS n, id AS most FROM (
          SELECT MOD(id, 2) AS lane, id, ROW_NUMBER() OVER (
                   PARTITION BY window_start, window_end, MOD(id, 2) ORDER BY id DESC) AS place
          FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(_event_time), INTERVAL '1' DAY))
        ) WHERE place = 1""",
    "joined": """
        SELECT MOD(later.id, 2) AS lane, CAST(1 AS BIGINT) AS n, earlier.id AS most
        FROM events AS later JOIN events AS earlier
          ON later.id = earlier.id + 500
         AND later._event_time BETWEEN earlier._event_time AND earlier._event_time + INTERVAL '30' DAY""",
}


def test_windows_joins_and_ranks_keep_what_they_have_seen(edited: Callable[..., Edited]) -> None:
    job = edited(OF_EACH_KIND, late="keep")
    job.go()
    job.send(500)
    job.holds("first_seen", [(0, 1, 0), (1, 1, 1)])
    job.stop()

    moved = dict(reversed([*OF_EACH_KIND.items()][1:]))
    new = OF_EACH_KIND[JOB].replace("FROM events", "FROM events WHERE id <> 600")
    job.edit({JOB: OF_EACH_KIND[JOB], "new": new, **moved})
    assert set(job.plan(expect=3).values()) == {"kept", "new"}
    job.go(parallelism=2)
    job.send(700)  # the rest of the first day, then a second one that ends it

    job.holds("joined", [(n % 2, 1, n) for n in range(700)])
    job.holds(JOB, [(0, 500, 998), (1, 500, 999)])
    job.holds("greatest", [(0, 1, 998), (1, 1, 999)])
    job.holds("first_seen", [(0, 1, 0), (1, 1, 1)])
    job.holds("new", [(0, 249, 998), (1, 250, 999)])


def test_a_replay_recomputes_an_edited_query_from_the_state_of_an_anchor(
    edited: Callable[..., Edited],
) -> None:
    job = edited({JOB: COUNTS, "other": FROM_1000})
    job.go()
    job.send(1500)
    job.shows(JOB, {0: (750, 1498), 1: (750, 1499)})
    job.told("anchor", JOB, "--why", "before the edit")
    job.send(500)
    job.shows(JOB, {0: (1000, 1998), 1: (1000, 1999)})

    job.edit({JOB: COUNTS.replace("FROM events", "FROM events WHERE id <> 1700"), "other": FROM_1000})
    job.plan("--accept", "--changing", str(job.asked()[0]["id"]))
    planned = job.told("replay", "plan", JOB, "--from", "1", "--why", "1700 was a test")
    assert planned["records"] == 500
    assert job.told("replay", "run", JOB, "1")["caught_up"]
    job.shows(JOB, {0: (1000, 1998), 1: (1000, 1999)})
    done = job.told("replay", "publish", JOB, "1")
    assert done["cancelled"] == [job.flink_id]

    job.shows(JOB, {0: (999, 1998), 1: (1000, 1999)})
    job.shows("other", {0: (500, 1998), 1: (500, 1999)})
    job.send(1000)
    job.shows(JOB, {0: (1499, 2998), 1: (1500, 2999)})
    job.shows("other", {0: (1000, 2998), 1: (1000, 2999)})
