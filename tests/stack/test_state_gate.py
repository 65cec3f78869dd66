"""State follows meaning: a job is edited again and again, and each query keeps its own state (G5)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.stack.edited import JOB, Edited
from tests.stack.runbook import steps

COUNTS = "SELECT MOD(id, 2) AS lane, COUNT(*) AS n, MAX(id) AS most FROM events GROUP BY MOD(id, 2)"
FROM_1000 = COUNTS.replace("FROM events", "FROM events WHERE id >= 1000")


def test_statements_that_are_added_moved_and_removed_keep_their_state(edited: Callable[..., Edited]) -> None:
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

    # The order of statements and the parallelism do not matter to the state.
    job.edit({JOB: COUNTS, "other": FROM_1000, "before": FROM_1000.replace("1000", "2000")})
    assert set(job.plan(expect=3).values()) == {"kept"}
    job.go(parallelism=2)
    job.send(1000)
    job.shows(JOB, {0: (2000, 3998), 1: (2000, 3999)})
    job.shows("before", {0: (1000, 3998), 1: (1000, 3999)})
    job.shows("other", {0: (1500, 3998), 1: (1500, 3999)})
    job.stop()

    # A filter changes what is counted, and a query is removed: both must be accepted, the others continue.
    job.edit({JOB: COUNTS, "other": FROM_1000.replace("id >= 1000", "id >= 1000 AND id <> 4001")})
    verdicts = {(v["verdict"], v["operator"]): v for v in job.undecided()}
    assert verdicts.keys() == {
        ("changed", "group-aggregate"),
        ("dropped", "group-aggregate"),
        ("dropped", "sink"),
    }
    assert "4001" in verdicts["changed", "group-aggregate"]["what"]
    options = {"changed": "--changing", "dropped": "--losing"}
    names = [(options[verdict], str(v["id"])) for (verdict, _), v in verdicts.items()]
    assert len(job.undecided(*names[0])) == 3, "accepting one does not accept the others"
    job.go(*(option for name in names for option in name), parallelism=2)
    job.send(1000)
    job.shows(JOB, {0: (2500, 4998), 1: (2500, 4999)})
    job.shows("other", {0: (2000, 4998), 1: (1999, 4999)})
    assert len(job.road.rows("before", ("lane",))) == 2, "what was published stays"


@pytest.mark.usefixtures("by_client")
def test_a_lock_that_swaps_the_state_of_two_queries_is_refused(edited: Callable[..., Edited]) -> None:
    job = edited({JOB: COUNTS, "other": FROM_1000})
    job.go()
    job.send(2000)
    job.shows(JOB, {0: (1000, 1998), 1: (1000, 1999)})
    job.stop()
    place = job.road.project / f"jobs/{JOB}.lock.json"
    before = place.read_text()
    document = json.loads(before)
    one, other = (n["id"] for n in document["plan"]["nodes"] if "group-aggregate" in n["type"])
    swapped = {one: other, other: one}
    for node in document["plan"]["nodes"]:
        node["id"] = swapped.get(node["id"], node["id"])
    for edge in document["plan"]["edges"]:
        edge |= {k: swapped.get(edge[k], edge[k]) for k in ("source", "target")}
    place.write_text(json.dumps(document))

    refused = json.loads(job.road.headrace("run", JOB, "-o", "json", expect=3))

    assert f"group-aggregate ({one}) is changed; group-aggregate ({other}) is changed" in refused["what"]

    place.write_text(before)
    job.road.follow(refused["remedy"], "job/state/restore.py: plan □ --accept")
    job.road.headrace("run", JOB)
    job.send(1000)
    job.shows(JOB, {0: (1500, 2998), 1: (1500, 2999)})


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


def test_windows_joins_and_ranks_keep_their_state(edited: Callable[..., Edited]) -> None:
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


@pytest.mark.usefixtures("by_client")
def test_a_replay_recomputes_an_edited_query_from_the_state_of_an_anchor(
    edited: Callable[..., Edited],
) -> None:
    job = edited({JOB: COUNTS, "other": FROM_1000})
    job.go()
    job.send(1500)
    job.shows(JOB, {0: (750, 1498), 1: (750, 1499)})
    words = {"departures_hourly": JOB}
    anchor, plan = steps("the-sql-must-change", 0, words)
    job.road.headrace(*anchor)
    job.send(500)
    job.shows(JOB, {0: (1000, 1998), 1: (1000, 1999)})

    job.edit({JOB: COUNTS.replace("FROM events", "FROM events WHERE id <> 1700"), "other": FROM_1000})
    assert "changed" in job.road.headrace(*plan, expect=3)
    (verdict,) = job.undecided()
    stop, accept, _ = steps("the-sql-must-change", 1, words | {"8": str(verdict["id"])})
    assert stop == ["stop", JOB]
    job.road.headrace(*accept)
    planned, run, diff, publish = steps("the-sql-must-change", 2, words)
    assert job.run_json(*planned)["records"] == 500
    assert job.run_json(*run)["caught_up"]
    job.shows(JOB, {0: (1000, 1998), 1: (1000, 1999)})
    difference = job.run_json(*diff)
    assert (difference["changed"], difference["lost"], difference["added"]) == ({JOB: {"n": 1}}, {}, {})
    assert job.run_json(*publish)["cancelled"] == [job.flink_id]

    job.shows(JOB, {0: (999, 1998), 1: (1000, 1999)})
    job.shows("other", {0: (500, 1998), 1: (500, 1999)})
    job.send(1000)
    job.shows(JOB, {0: (1499, 2998), 1: (1500, 2999)})
    job.shows("other", {0: (1000, 2998), 1: (1000, 2999)})
