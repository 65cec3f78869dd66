"""The gate on the project's own plans: what is moved is kept, what is edited is told."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.job import lock
from headrace.job.state.differences import short
from headrace.job.state.gate import StateVerdict, compare, pin, unaccounted

ROOT = Path(__file__).parent.parent.parent
Plan = dict[str, Any]
Node = dict[str, Any]


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_PROJECT", str(ROOT))


def plan_of(job: str) -> Plan:
    found = lock.read(job)
    assert found is not None
    return copy.deepcopy(found.plan)


def nodes(plan: Plan, kind: str) -> list[Node]:
    return [n for n in plan["nodes"] if n["type"].startswith(f"stream-exec-{kind}_")]


def shuffled(plan: Plan, seed: int) -> Plan:
    """The same plan as another compilation writes it: other ids, another order."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    given = [n["id"] + 1000 for n in plan["nodes"]]
    rng.shuffle(given)
    ids = dict(zip([n["id"] for n in plan["nodes"]], given, strict=True))
    made = copy.deepcopy(plan)
    rng.shuffle(made["nodes"])
    for node in made["nodes"]:
        node["id"] = ids[node["id"]]
    for edge in made["edges"]:
        edge |= {k: ids[edge[k]] for k in ("source", "target")}
    return made


def fates(before: Plan, after: Plan) -> dict[int, str]:
    return {v.id: v.verdict for v in pin(before, shuffled(after, 7), 100).verdicts if v.verdict != "kept"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "job", ["aircraft_rotation", "departures_hourly", "flights", "flights_deduplicated", "flights_enriched"]
)
def test_another_compilation_of_the_same_job_is_the_same_plan(job: str, seed: int) -> None:
    before = plan_of(job)

    pinned = pin(before, shuffled(before, seed), 100)

    assert {v.verdict for v in pinned.verdicts} == {"kept"}
    assert pinned.next_id == 100
    by_id = {n["id"]: n for n in pinned.plan["nodes"]}
    assert by_id == {n["id"]: n for n in before["nodes"]}
    assert sorted(map(str, pinned.plan["edges"])) == sorted(map(str, before["edges"]))


def _window(edit: Callable[[Node], Any]) -> Callable[[Plan], None]:
    def edited(plan: Plan) -> None:
        (node,) = nodes(plan, "group-window-aggregate")
        edit(node)

    return edited


def _other_threshold(plan: Plan) -> None:
    """``dep_delay <= 15`` in the projection below the window is ``<= 16``."""
    (window,) = nodes(plan, "group-window-aggregate")
    (exchange,) = (e["source"] for e in plan["edges"] if e["target"] == window["id"])
    (calc,) = (e["source"] for e in plan["edges"] if e["target"] == exchange)
    literal = next(n for n in plan["nodes"] if n["id"] == calc)["projection"][3]["operands"][0]["operands"][1]
    assert literal["value"] == 15
    literal["value"] = 16


def _other_key(plan: Plan) -> None:
    """The window is of destinations instead of origins."""
    (window,) = nodes(plan, "group-window-aggregate")
    (exchange,) = (e["source"] for e in plan["edges"] if e["target"] == window["id"])
    (calc,) = (e["source"] for e in plan["edges"] if e["target"] == exchange)
    first = next(n for n in plan["nodes"] if n["id"] == calc)["projection"][0]
    assert first["inputIndex"] == 5
    first["inputIndex"] = 6


def _retyped(plan: Plan) -> None:
    """The origin is of another type in the contract."""
    (source,) = nodes(plan, "table-source-scan")
    retyped = source["outputType"].replace("`origin` VARCHAR(2147483647)", "`origin` INT")
    assert retyped != source["outputType"]
    source["outputType"] = retyped


def _one_more_column(plan: Plan) -> None:
    """The contract has a column more, before all others: every number of a column of the topic moves."""
    (source,) = nodes(plan, "table-source-scan")
    source["outputType"] = source["outputType"].replace("ROW<", "ROW<`more` INT, ")
    for ability in source["scanTableSource"]["abilities"]:
        ability["producedType"] = ability["producedType"].replace("ROW<", "ROW<`more` INT, ")
        _moved(ability)
    (calc,) = (e["target"] for e in plan["edges"] if e["source"] == source["id"])
    node = next(n for n in plan["nodes"] if n["id"] == calc)
    _moved(node["projection"])
    _moved(node["condition"])


def _moved(expression: Any, behind: int = 0) -> None:
    """Numbers of columns from ``behind`` on are one more."""
    if isinstance(expression, dict):
        if expression.get("inputIndex", -1) >= behind:
            expression["inputIndex"] += 1
        for value in expression.values():
            _moved(value, behind)
    elif isinstance(expression, list):
        for value in expression:
            _moved(value, behind)


WINDOW, JUDGED = 8, 4
EDITS = {
    "an expression": (_other_threshold, {WINDOW: "changed"}),
    "an aggregate function": (
        _window(lambda n: n["aggCalls"][7].update(internalName="$MIN$1")),
        {WINDOW: "dropped"},
    ),
    "the length of the window": (
        _window(lambda n: n["window"].update(size="PT2H")),
        {WINDOW: "dropped"},
    ),
    "what is counted, of the same type": (
        _window(lambda n: n["aggCalls"][1].update(filterArg=3)),
        {WINDOW: "changed"},
    ),
    "one more aggregate": (
        _window(lambda n: n["aggCalls"].append({**n["aggCalls"][0], "name": "again"})),
        {WINDOW: "dropped"},
    ),
    "a name": (_window(lambda n: n["aggCalls"][0].update(name="told")), {}),
    "the key, of the same type": (_other_key, {WINDOW: "dropped"}),
    "the type of the key": (_retyped, {JUDGED: "dropped", WINDOW: "dropped"}),
    "a column that nobody reads": (_one_more_column, {}),
    "an operator that headrace does not know": (
        _window(lambda n: n.update(type="stream-exec-fancy_1")),
        {WINDOW: "dropped"},
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_reported_for_the_operator_that_it_changes_only(edit: str) -> None:
    before, after = plan_of("departures_hourly"), plan_of("departures_hourly")
    change, expected = EDITS[edit]
    change(after)
    found = fates(before, after)
    new = {number for number, verdict in found.items() if verdict == "new"}
    assert {number: verdict for number, verdict in found.items() if number not in new} == expected
    assert len(new) == [*expected.values()].count("dropped"), "what was lost begins anew"
    assert all(number >= 100 for number in new), "under an id that no plan has used"


def test_what_is_not_known_is_kept_where_it_means_the_same_and_asks_otherwise() -> None:
    before = plan_of("departures_hourly")
    nodes(before, "group-window-aggregate")[0]["type"] = "stream-exec-fancy_1"
    after = copy.deepcopy(before)
    assert fates(before, after) == {}
    nodes(after, "fancy")[0]["configuration"]["more"] = "true"
    assert fates(before, after) == {WINDOW: "unknown"}


def test_two_equal_operators_are_distinguished_by_their_outputs() -> None:
    before = plan_of("departures_hourly")
    twin = copy.deepcopy([n for n in before["nodes"] if n["id"] in (8, 9, 10)])
    for node in twin:
        node["id"] += 50
    twin[2]["dynamicTableSink"]["table"]["identifier"] = "`default_catalog`.`default_database`.`twin`"
    before["nodes"] += twin
    before["edges"] += [{"source": s, "target": t} for s, t in ((7, 58), (58, 59), (59, 60))]
    for seed in range(5):
        pinned = pin(before, shuffled(before, seed), 100)
        assert {v.verdict for v in pinned.verdicts} == {"kept"}
        sinks = {n["id"]: n["dynamicTableSink"]["table"]["identifier"] for n in nodes(pinned.plan, "sink")}
        assert sinks[60].endswith("`twin`")


def keeping_sink(plan: Plan, table: str) -> Node:
    """The sink of a table, made one that holds rows, as Flink does where it has to put updates in order."""
    named = f"`default_catalog`.`default_database`.`{table}`"
    (sink,) = [n for n in nodes(plan, "sink") if n["dynamicTableSink"]["table"]["identifier"] == named]
    sink["state"] = [{"index": 0, "ttl": "0 ms", "name": "rows"}]
    return sink


def test_the_order_of_a_union_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_PROJECT", str(ROOT / "tests/stack/project"))
    before = plan_of("events_told")
    sink = keeping_sink(before, "events_told")
    after = copy.deepcopy(before)
    union = nodes(after, "union")[0]
    into = [e for e in after["edges"] if e["target"] == union["id"]]
    others = [e for e in after["edges"] if e["target"] != union["id"]]
    after["edges"] = [*others, *reversed(into)]
    assert len(into) > 1
    assert fates(before, after) == {}
    branch = next(n for n in after["nodes"] if n["id"] == into[0]["source"])
    branch["projection"] = [*branch["projection"][:2], *branch["projection"][:1:-1]]
    assert fates(before, after) == {sink["id"]: "changed"}


def test_another_body_of_a_python_function_is_another_meaning() -> None:
    before = plan_of("flights_measured")
    (sink,) = [
        n
        for n in nodes(before, "sink")
        if n["dynamicTableSink"]["table"]["identifier"].endswith("flights_measured`")
    ]
    sink["state"] = [
        {"index": 0, "ttl": "0 ms", "name": "rows"}
    ]  # as one that puts updates in their place has
    after = copy.deepcopy(before)
    assert fates(before, after) == {}
    after["functions"]["tail_number"] += "edited"
    assert fates(before, after) == {sink["id"]: "changed"}
    before["functions"].pop("tail_number")


def test_what_a_job_calls_a_function_is_nothing() -> None:
    before = plan_of("flights_measured")
    keeping_sink(before, "flights_measured")
    renamed = json.loads(json.dumps(before).replace('.`tail_number`"', '.`tail`"'))
    renamed["functions"]["tail"] = renamed["functions"].pop("tail_number")
    assert renamed != before
    assert fates(before, renamed) == {}


def test_the_field_of_an_answer_is_part_of_the_meaning() -> None:
    before = plan_of("flights_measured")
    (sink,) = [
        n
        for n in nodes(before, "sink")
        if n["dynamicTableSink"]["table"]["identifier"].endswith("flights_measured`")
    ]
    sink["state"] = [{"index": 0, "ttl": "0 ms", "name": "rows"}]
    after = copy.deepcopy(before)
    fields = [e for n in nodes(after, "calc") for e in n["projection"] if e.get("kind") == "FIELD_ACCESS"]
    assert fields[0]["name"] == "answer"
    fields[0]["name"] = "reason"
    assert fates(before, after) == {sink["id"]: "changed"}


def test_an_added_column_through_an_over_window_does_not_affect_operators_that_do_not_read_it() -> None:
    before = plan_of("departures_hourly")
    after = copy.deepcopy(before)
    (over,) = nodes(after, "over-aggregate")
    (exchange,) = (e["source"] for e in after["edges"] if e["target"] == over["id"])
    (calc,) = (e["source"] for e in after["edges"] if e["target"] == exchange)
    more = {"name": "more", "fieldType": "INT"}
    for node in [n for n in after["nodes"] if n["id"] in (calc, exchange)]:
        node["outputType"]["fields"].append(more)
        if "projection" in node:
            node["projection"].append({"kind": "LITERAL", "value": 1, "type": "INT NOT NULL"})
    came = over["overSpec"]["originalInputFields"]
    over["overSpec"]["originalInputFields"] += 1
    over["outputType"]["fields"].insert(came, more)
    for target in [e["target"] for e in after["edges"] if e["source"] == over["id"]]:
        reader = next(n for n in after["nodes"] if n["id"] == target)
        _moved([reader["projection"], reader["condition"]], came)
    found = fates(before, after)
    assert (found.pop(JUDGED), WINDOW in found) == ("dropped", True)
    assert {found[n] for n in found if n < 100} == {"changed"}, (
        "the rows are judged anew, and nothing else is lost"
    )


def test_the_event_time_is_part_of_the_meaning() -> None:
    before = plan_of("departures_hourly")
    (exchange,) = [n for n in before["nodes"] if n["id"] == 3]
    delay = {"kind": "LITERAL", "value": 60_000, "type": "INTERVAL SECOND"}
    exchange.update(type="stream-exec-watermark-assigner_1", watermarkExpr=delay, rowtimeFieldIndex=22)
    after = copy.deepcopy(before)
    assert fates(before, after) == {}
    nodes(after, "watermark-assigner")[0]["watermarkExpr"]["value"] = 1
    assert fates(before, after) == {JUDGED: "changed", WINDOW: "changed"}


def verdict(number: int, what: str, meant: str | None, means: str | None) -> StateVerdict:
    return StateVerdict(number, what, "o", "d", "", "w", meant, means)


ACCEPTED = [
    verdict(8, "changed", "a", "b"),
    verdict(8, "changed", "b", "c"),
    verdict(8, "changed", "c", "b"),
    verdict(4, "dropped", "a", None),
]


@pytest.mark.parametrize(
    ("asked", "passes"),
    [
        (verdict(8, "changed", "a", "b"), True),
        (verdict(8, "changed", "a", "c"), True),
        (verdict(8, "changed", "b", "a"), False),
        (verdict(8, "dropped", "a", None), False),
        (verdict(4, "dropped", "a", None), True),
        (verdict(4, "dropped", "b", None), False),
        (verdict(9, "changed", "a", "b"), False),
        (verdict(9, "kept", "a", "a"), True),
        (verdict(9, "new", None, "a"), True),
    ],
)
def test_what_was_accepted_in_several_steps_is_accepted(asked: StateVerdict, passes: bool) -> None:
    assert (unaccounted([asked], ACCEPTED) == []) == passes


def test_a_plan_restores_what_it_wrote_itself() -> None:
    plan = plan_of("flights_enriched")
    assert {v.verdict for v in compare(plan, plan)} == {"kept"}


def test_of_two_long_filters_the_part_is_shown_where_they_differ() -> None:
    rules = " AND ".join(f"a{n} IS NOT NULL" for n in range(40))
    was, now = f"{rules} AND distance > 0 AND {rules}", f"{rules} AND distance >= 0 AND {rules}"
    assert (short(was, now) != short(now, was), len(short(was, now))) == (True, 202)
    assert "distance > 0" in short(was, now)
    assert "distance >= 0" in short(now, was)
    assert short("a > 0", "b") == "a > 0"
    assert short(rules, rules) == f"{rules[:200]}…"
