"""Anchors: taken from a running job, adopted, checked and expired."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.stack.edited import JOB, Edited
from tests.stack.road import BY_HAND
from tests.stack.runbook import steps
from tests.stack.waiting import until

OF_EACH_ID = "SELECT id AS lane, COUNT(*) AS n, MAX(id) AS most FROM events GROUP BY id"
"""Thousands of keys: more state than Flink writes into `_metadata`."""


@pytest.mark.usefixtures("by_client")
def test_an_anchor_check_looks_for_everything_that_a_replay_needs(edited: Callable[..., Edited]) -> None:
    job = edited({JOB: OF_EACH_ID})
    road = job.road
    road.options = BY_HAND
    job.go()
    job.send(4000)
    road.settle(job.flink_id, 1)
    until("rows to be published", lambda: road.publish().head.rows.get(JOB) == 4000)
    anchor = job.run_json("anchor", JOB, "--why", "test")
    assert road.state(job.flink_id) == "RUNNING"
    assert (anchor["why"], anchor["adopted"], anchor["flink"]) == ("test", False, "2.3.0")
    assert anchor["plan"] == road.ledger.claims()[-1].plan
    assert anchor["positions"] == {"events": {"0": 2000, "1": 2000}}
    sound = job.run_json("anchor", "check", JOB, "1")
    assert (sound["problems"], sound["state_files"] > 0) == ([], True)

    folder = anchor["path"].removeprefix(f"{road.warehouse.uri}/")
    state = [k for k in road.warehouse.keys(f"{folder}/") if not k.endswith("_metadata")]
    assert len(state) == sound["state_files"], "each is looked for"
    road.warehouse.delete(state[0])
    (problem,) = job.run_json("anchor", "check", JOB, "1", expect=1)["problems"]
    assert f"1 of its {len(state)} state files are gone" in problem

    running = road.checkpoints(job.flink_id)["latest"]["completed"]["external_path"]
    refused = road.headrace("anchor", "adopt", JOB, running, expect=2)
    assert "Flink deletes a checkpoint of a running job" in refused

    road.checkpoint(job.flink_id)
    newest = road.checkpoints(job.flink_id)["latest"]["completed"]
    retained = newest["external_path"]
    until("its manifests", lambda: road.sealed(newest["id"]))
    road.cancel(job.flink_id)
    road.options = {}
    words = {"departures_hourly": JOB, "PATH": retained}
    adopt, check = steps("the-newest-checkpoint-is-corrupt", 0, words)
    adopted = job.run_json(*adopt)
    assert (adopted["number"], adopted["adopted"]) == (2, True)
    assert job.run_json(*adopt)["number"] == 2, "the same one is not taken twice"
    whole = job.run_json(*check)
    assert (whole["problems"], whole["state_files"] > 0) == ([], True)

    assert job.run_json("anchor", "expire", JOB, "--older-than", "1h")["expired"] == []
    job.road.headrace("anchor", "expire", JOB, expect=2)
    expired = job.run_json("anchor", "expire", JOB, "--keep", "0")
    assert (expired["expired"], expired["needed"]) == ([1], [2]), "the next start needs the newest"
    assert list(road.warehouse.keys(f"{folder}/")) == []
    assert [a["number"] for a in job.run_json("anchor", "ls", JOB)] == [2]
    assert "it has expired" in job.run_json("anchor", "check", JOB, "1", expect=1)["problems"]
    road.headrace("replay", "plan", JOB, "--from", "1", "--why", "w", expect=2)

    # The older savepoint is damaged, and the job is gone: another one takes its place.
    outputs = [job.road.headrace(*step) for step in steps("the-newest-checkpoint-is-corrupt", 1, words)]
    assert "without rows: anchor 2 stands there" in outputs[0]
    job.send(500)
    until("the fork to be the job", lambda: road.publish().head.rows.get(JOB) == 4500)
    since = job.run_json("diff", JOB, "--from-batch", "1")
    assert (since["same"], since["added"], since["changed"]) == (4000, {JOB: 500}, {}), "by their keys"
