"""A replay runs beside the live job, is the branch after one batch, and doubles and loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from road import Road, every
from waiting import until

MakeRoad = Callable[..., Road]


def told(road: Road, *arguments: str) -> dict[str, Any]:
    """What a command says as JSON, before whatever its log says."""
    found: dict[str, Any] = json.JSONDecoder().raw_decode(road.headrace(*arguments, "-o", "json"))[0]
    return found


def test_a_replay_from_an_anchor_takes_the_place_of_what_was_published_since(make_road: MakeRoad) -> None:
    road = make_road()
    road.produce(range(1000), broken_every=10)
    live = road.submit()
    road.publish_until(1000)
    anchor = told(road, "anchor", road.job, "--why", "before the rule")
    assert anchor["number"] == 1
    assert anchor["positions"] == {"events": {"0": 500, "1": 500}}
    road.produce(range(1000, 3000), broken_every=10)
    before = road.publish_until(3000)

    planned = told(road, "replay", "plan", road.job, "--from", "1", "--why", "test")
    assert (planned["number"], planned["records"]) == (1, 2000)
    assert planned["replaces"]["events"]["rows"] == 1800
    assert told(road, "replay", "run", road.job, "1")["caught_up"]
    road.produce(range(3000, 4000), broken_every=10)
    road.publish_until(4000)
    assert road.homes() == every({0: 2000, 1: 2000})
    done = told(road, "replay", "publish", road.job, "1")
    assert done["cancelled"] == [live]
    assert done["batch"] > before.batch

    assert road.homes() == every({0: 2000, 1: 2000})
    assert {m.claim for m in road.staged().values() if m.checkpoint > 0} >= {2}
    road.produce(range(4000, 5000), broken_every=10)
    road.publish_until(5000)
    assert road.homes() == every({0: 2500, 1: 2500})
    assert road.verified()["verdict"] == "proved"
    until("the fork to be the live job", lambda: told(road, "status", road.job)["state"] in ("head", "ahead"))
    road.stop(done["live"][0])
    again = road.submit()
    road.produce(range(5000, 6000))
    road.publish_until(6000)
    assert road.homes() == every({0: 3000, 1: 3000})
    road.cancel(again)
