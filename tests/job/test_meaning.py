"""What has the same meaning, on plans of a few nodes: rules that a compiled query cannot show one by one."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.job import lock
from headrace.job.assemble import load_program
from headrace.job.state.gate import pin
from headrace.job.state.meaning import meanings
from headrace.job.state.meaning.expressions import expression_digest
from tests.job.small_plans import Node, Plan, Small, call, number, ref

A, B = ref(0), ref(1)
LOW, HIGH = call("<", A, number(10)), call(">=", A, number(10))


def fates(before: Plan, after: Plan, kind: str = "group-aggregate") -> list[str]:
    """What becomes of the operators of a kind that were there before."""
    verdicts = pin(before, after, 100).verdicts
    return [v.verdict for v in verdicts if v.operator == kind and v.verdict != "new"]


def of_a_union(summed: int, key: int = 0, *, turned: bool = False, low: Node = LOW) -> Plan:
    """``(k, a AS x, b AS y) UNION ALL (k, b AS x, a AS y)`` of other rows; the sum of x (1) or y (2)."""
    small = Small()
    source = small.source()
    one = small.calc(source, {"k": call("MOD", A, of="BIGINT"), "x": A, "y": B}, low)
    other = small.calc(source, {"k": call("MOD", A, of="BIGINT"), "x": B, "y": A}, HIGH)
    both = small.union(*((other, one) if turned else (one, other)))
    small.sink(small.sums(both, summed, key))
    return small.plan


def test_two_columns_of_a_union_that_have_the_same_origins_in_other_branches_are_two() -> None:
    assert fates(of_a_union(1), of_a_union(1, turned=True)) == ["kept"]
    assert fates(of_a_union(1), of_a_union(2)) == ["changed"]
    assert fates(of_a_union(1), of_a_union(2, turned=True)) == ["changed"]
    assert fates(of_a_union(1, 1), of_a_union(1, 2)) == ["dropped"], "other keys"
    fewer = call("<", A, number(9))
    assert fates(of_a_union(1), of_a_union(1, low=fewer)) == ["changed"]
    assert fates(of_a_union(1, 1), of_a_union(1, 2, low=fewer, turned=True)) == ["dropped"]


def compared(left: int, right: int, *, low: Node | None) -> Plan:
    """A join's condition between two columns of a union whose branches read the same rows."""
    small = Small()
    source = small.source()
    one = small.calc(source, {"k": A, "x": A, "y": B}, low)
    other = small.calc(source, {"k": A, "x": B, "y": A}, low)
    equal = small.calc(small.union(one, other), {"k": A, "x": ref(1)}, call("=", ref(left), ref(right)))
    small.sink(small.sums(equal, 1))
    return small.plan


@pytest.mark.parametrize("low", [None, LOW])
def test_columns_of_a_union_are_distinguished_even_if_its_branches_read_the_same_rows(
    low: Node | None,
) -> None:
    assert fates(compared(1, 2, low=low), compared(2, 1, low=low)) == ["kept"]
    assert fates(compared(1, 2, low=low), compared(1, 1, low=low)) == ["changed"]
    assert fates(compared(0, 1, low=low), compared(0, 2, low=low)) == ["changed"]


def paired(*branches: dict[str, Node]) -> Plan:
    """The sum of x where y is, over branches of the same rows."""
    small = Small()
    source = small.source()
    rows = small.union(*(small.calc(source, {"k": A, **columns}) for columns in branches))
    call_ = {"name": "s", "internalName": "$SUM$1", "argList": [1], "filterArg": 2, "type": "BIGINT"}
    small.sink(small.sums(rows, 1, aggCalls=[call_]))
    return small.plan


def test_an_operator_reads_all_columns_of_a_union_in_one_order_of_its_branches() -> None:
    crossed = paired({"x": A, "y": B}, {"x": B, "y": A})
    assert fates(crossed, paired({"x": B, "y": A}, {"x": A, "y": B})) == ["kept"]
    assert fates(crossed, paired({"x": A, "y": A}, {"x": B, "y": B})) == ["changed"]


def test_a_key_is_followed_through_windows() -> None:
    def by(key: Node) -> Plan:
        small = Small()
        rows = small.calc(small.source(), {"k": call("MOD", key, of="BIGINT"), "x": B})
        small.sink(small.sums(small.windows(rows), 1))
        return small.plan

    assert fates(by(A), by(A)) == ["kept"]
    assert fates(by(A), by(B)) == ["dropped"]


def measured(**measures: Node) -> Plan:
    small = Small()
    match = small.match(small.source(), measures)
    small.sink(small.sums(match, 1))
    return small.plan


def test_a_measure_may_have_any_name() -> None:
    for name in ("name", "index", "kind", "fields"):
        assert fates(measured(**{name: A}), measured(**{name: B})) == ["changed"]
    assert fates(measured(name=A, more=B), measured(more=B, name=A)) == ["changed"], "the other is summed"
    assert fates(measured(name=A), measured(name=A, more=B)) == ["kept"]
    assert fates(measured(name=A), measured(name=B), kind="match") == ["kept"], "it is computed at the end"


def test_a_variable_of_a_pattern_may_have_any_name() -> None:
    def defined(variable: str, condition: Node) -> Plan:
        small = Small()
        match = small.match(small.source(), {"n": A}, patternDefinitions={variable: condition})
        small.sink(small.sums(match, 1))
        return small.plan

    for name in ("name", "measures", "fields"):
        assert fates(defined(name, LOW), defined(name, HIGH), "match") == ["dropped"]


def counted(**facts: Any) -> Plan:
    small = Small(**facts)
    small.sink(small.sums(small.source(), 1))
    return small.plan


MORE = {"columns": {"a": "BIGINT", "b": "BIGINT", "c": "STRING"}}
STRICT = {"unknownFields": "reject"}


@pytest.mark.parametrize(
    ("before", "after", "source", "sums"),
    [
        ({}, STRICT, "kept", "changed"),
        ({}, {"properties.isolation.level": "read_uncommitted"}, "kept", "changed"),
        ({}, {"physicalName": "other"}, "dropped", "changed"),
        ({}, MORE, "kept", "kept"),
        (STRICT, STRICT | MORE, "kept", "changed"),
    ],
)
def test_what_decides_which_rows_come_is_part_of_the_meaning(
    before: dict[str, Any], after: dict[str, Any], source: str, sums: str
) -> None:
    verdicts = pin(counted(**before), counted(**after), 100).verdicts
    assert [v.verdict for v in verdicts if v.verdict != "new"] == [source, sums, "kept"]
    told = " ".join(v.what for v in verdicts)
    assert all(key in told for key in after if key not in ("columns", *before))
    assert ("column c came" in told) == ("columns" in after)


def queries(*limits: int, turned: bool = False) -> Plan:
    """Sums of what is below each limit, into one table."""
    small = Small()
    source = small.source()
    sums = [small.sums(small.calc(source, {"a": A, "b": B}, call("<", A, number(n))), 1) for n in limits]
    small.sink(small.union(*(reversed(sums) if turned else sums)))
    return small.plan


def test_state_is_not_given_away_where_two_could_go_on_from_it() -> None:
    assert fates(queries(10, 20), queries(10, 20, turned=True)) == ["kept", "kept"]
    assert fates(queries(10, 20), queries(10, 21)) == ["kept", "changed"]
    assert fates(queries(10, 20), queries(21, 10)) == ["kept", "changed"]
    assert fates(queries(10, 20), queries(21, 11)) == ["dropped", "dropped"]


def test_what_only_affects_the_output_of_an_aggregate_does_not_affect_its_state() -> None:
    def sums(**told: Any) -> Plan:
        small = Small()
        small.sink(small.sums(small.source(), 1, **told))
        return small.plan

    assert fates(sums(generateUpdateBefore=False), sums(generateUpdateBefore=True)) == ["kept"]
    assert fates(sums(needRetraction=False), sums(needRetraction=True)) == ["dropped"]


ONE, SAME = number(1), number(1, "BIGINT NOT NULL")
NULL = call("IS NULL", A, of="BOOLEAN NOT NULL")
KNOWN = call("IS NOT NULL", A, of="BOOLEAN NOT NULL")
CAST = call("CAST", A, of="BIGINT NOT NULL")
TEXT = call("CAST", A, of="STRING")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (call(">", A, ONE), call("<", ONE, A), True),
        (call(">", A, ONE), call(">", A, SAME), True),
        (call(">", A, ONE), call(">=", A, ONE), False),
        (call(">", A, B), call(">", B, A), False),
        (call("OR", LOW, NULL), call("OR", NULL, LOW), True),
        (call("OR", LOW, NULL), call("AND", NULL, LOW), False),
        (call("OR", call("OR", LOW, NULL), HIGH), call("OR", HIGH, call("OR", LOW, NULL)), True),
        (call("-", A, B, of="BIGINT"), call("-", B, A, of="BIGINT"), False),
        (call("+", A, ONE, of="BIGINT"), call("+", ONE, A, of="BIGINT"), True),
        (call("+", A, ONE, of="BIGINT"), call("+", A, SAME, of="BIGINT"), False),
        (CAST, A, True),
        (TEXT, A, False),
        (call("CASE", LOW, A, B), call("IF", LOW, A, B), True),
        (call("CASE", LOW, A, B), call("CASE", LOW, B, A), False),
        (call("CASE", NULL, B, A), call("CASE", KNOWN, A, B), True),
        (call("CASE", NULL, B, A), call("CASE", KNOWN, B, A), False),
        (call("CASE", KNOWN, A, B), call("COALESCE", A, B), True),
        (call("CASE", LOW, A, B), call("CASE", call(">=", A, number(10)), B, A), False),
    ],
)
def test_an_expression_is_the_same_in_each_of_its_forms(one: Node, other: Node, same: bool) -> None:
    assert (expression_digest(one, ["a", "b"]) == expression_digest(other, ["a", "b"])) == same


def test_for_the_bytes_of_state_the_exact_type_counts() -> None:
    layouts = [expression_digest(e, ["a", "b"], exact_types=True) for e in (A, CAST, TEXT)]
    assert len(set(layouts)) == len(layouts)


def words(before: Plan, after: Plan, kind: str = "group-aggregate") -> str:
    """What a person is told of the one operator of a kind."""
    (told,) = [v.what for v in pin(before, after, 100).verdicts if v.operator == kind and v.verdict != "new"]
    return told


MIXED = "; existing state is kept: results mix both meanings until it expires"
LATE = call(">", A, call("CURRENT_WATERMARK", A))


def filtered(*conditions: Node, summed: int = 1, facts: dict[str, Any] | None = None, **told: Any) -> Plan:
    small = Small(**(facts or {}))
    condition = call("AND", *conditions) if conditions else None
    rows = small.calc(small.source(), {"a": A, "b": B, "c": A}, condition)
    small.sink(small.sums(rows, summed, **told))
    return small.plan


def ttl(ms: int) -> dict[str, Any]:
    return {"state": [{"index": 0, "ttl": f"{ms} ms", "name": "groupAggregateState"}]}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            filtered(LATE, LOW),
            filtered(LATE, HIGH),
            "a filter was added: >=(a, 10); a filter was removed: <(a, 10)",
        ),
        (filtered(LATE), filtered(HIGH), "a filter was added: >=(a, 10); which rows are in time changed"),
        (filtered(summed=1), filtered(summed=2), "s is SUM(a); it was SUM(b)"),
        (filtered(**ttl(0)), filtered(**ttl(3_600_000)), "stateTtl is 1:00:00; it was not set (for ever)"),
        (filtered(), filtered(facts={"maxDrift": "1:00:00"}), "t: maxDrift is 1:00:00; it was not set"),
        (
            filtered(facts={"watermarkDelay": "0:01:00"}),
            filtered(facts={"watermarkDelay": "0:02:00"}),
            "t: watermarkDelay is 0:02:00; it was 0:01:00",
        ),
    ],
)
def test_a_change_is_described_part_by_part(before: Plan, after: Plan, told: str) -> None:
    said = words(before, after)
    assert said.startswith(told)
    assert said.endswith(MIXED)


def judged(low: Node, name: str) -> Plan:
    """Rows that fulfil their contract, whose rules end in a column."""
    small = Small()
    verdicts = small.calc(small.source(), {"a": A, "b": B, name: call("IF", low, A, B, of="BIGINT")})
    broken = call("IS NULL", ref(2), of="BOOLEAN NOT NULL")
    small.sink(small.sums(small.calc(verdicts, {"a": A, "b": B}, broken), 1))
    return small.plan


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("_verdict", "the rules of contract t in _verdict changed"),
        ("_other", "the filter IS NULL(_other) is unchanged, but its columns are computed differently"),
    ],
)
def test_a_filter_that_reads_as_before_is_not_reported_as_removed_and_added(name: str, told: str) -> None:
    assert words(judged(LOW, name), judged(HIGH, name)) == told + MIXED


def test_a_changed_rule_is_named_with_what_it_was() -> None:
    before = judged(LOW, "_verdict") | {"promises": {"t": {"rule far": "a < 10", "minimum of b": "1"}}}
    after = judged(HIGH, "_verdict") | {"promises": {"t": {"rule far": "a >= 10", "pattern of c": "x*"}}}

    assert words(before, after) == (
        "t: minimum of b was removed: 1; t: pattern of c was added: x*; t: rule far is a >= 10; it was a < 10"
        + MIXED
    )


def test_promises_are_for_people_and_decide_nothing() -> None:
    before = judged(LOW, "_verdict") | {"promises": {"t": {"rule far": "a < 10"}}}
    after = judged(LOW, "_verdict") | {"promises": {"t": {"rule far": "10 > a"}}}

    assert [m.meaning for m in meanings(before).values()] == [m.meaning for m in meanings(after).values()]


def test_a_lock_holds_the_promises_in_the_words_of_the_contract() -> None:
    promises = lock.of(load_program("departures_hourly"), {"nodes": [{"id": 1}], "edges": []}).plan[
        "promises"
    ]

    assert promises["flights__topic"]["rule leaves_its_origin"] == "origin <> dest"
    assert promises["flights__topic"]["required of flight_id"] == "true"


COUNT = {"name": "n", "internalName": "$COUNT$1", "argList": [], "filterArg": -1, "type": "BIGINT"}
SUM = {"name": "s", "internalName": "$SUM$1", "argList": [1], "filterArg": -1, "type": "BIGINT"}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            filtered(aggCalls=[COUNT, SUM]),
            filtered(aggCalls=[SUM, COUNT]),
            "its aggregates are SUM(b), COUNT(*); they were COUNT(*), SUM(b): Flink stores them in order",
        ),
        (filtered(grouping=[0]), filtered(grouping=[1]), "its keys are b; they were a"),
    ],
)
def test_the_reason_for_lost_state_is_reported(before: Plan, after: Plan, told: str) -> None:
    assert words(before, after).startswith(f"its state is lost: {told}")


def test_a_table_whose_rows_change_meaning_after_the_last_state_is_named() -> None:
    def above(condition: Node | None, low: Node = LOW) -> Plan:
        small = Small()
        sums = small.sums(small.calc(small.source(), {"a": A, "b": B}, low), 1)
        small.sink(small.calc(sums, {"k": A, "s": B}, condition))
        return small.plan

    told = words(above(None), above(HIGH), "sink")
    assert told == (
        "a filter was added: >=(k, 10); rows written before are kept: the table then holds both meanings"
    )
    assert words(above(None), above(None), "sink") == ""
    assert words(above(None), above(None, HIGH), "sink") == "", "the aggregate says it"
