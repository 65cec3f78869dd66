"""The verdict: one expression, a fixed order, stable codes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from headrace.contract.column_type import STRING
from headrace.contract.duration import duration
from headrace.contract.load import load
from headrace.contract.model import Column, Contract, Rule
from headrace.contract.rules import CHECKS_A_CASE, ReasonCode, checks, verdict_sql
from headrace.contract.sql import identifier, instant_literal, literal
from tests.contract.orders_contract import Edit


def test_codes_are_stable() -> None:
    assert [r.value for r in ReasonCode] == [
        "kafka_time_out_of_range",
        "required_missing",
        "not_in_enum",
        "pattern_mismatch",
        "below_minimum",
        "above_maximum",
        "too_short",
        "too_long",
        "event_time_in_future",
        "rule_failed",
    ]


def test_every_promise_in_its_order(orders: Contract) -> None:
    assert [(c.verdict, c.broken) for c in checks(orders)] == [
        (
            "kafka_time_out_of_range:_kafka_time:range",
            f"`_kafka_time` NOT BETWEEN {instant_literal(0)} AND {instant_literal(9_223_372_036_854)}",
        ),
        ("required_missing:id:required", "`id` IS NULL"),
        ("too_short:id:minLength", "CHAR_LENGTH(`id`) < 3"),
        ("too_long:id:maxLength", "CHAR_LENGTH(`id`) > 12"),
        ("required_missing:shop:required", "`shop` IS NULL"),
        ("not_in_enum:shop:enum", "`shop` NOT IN (1, 2)"),
        ("below_minimum:pieces:minimum", "`pieces` < 1"),
        ("above_maximum:pieces:maximum", "`pieces` > 1000"),
        ("below_minimum:price:minimum", "`price` < 0.10"),
        ("above_maximum:weight:maximum", "`weight` > 30.5E0"),
        ("required_missing:country:required", "`country` IS NULL"),
        ("not_in_enum:country:enum", "`country` NOT IN ('NO', 'DE')"),
        ("pattern_mismatch:country:pattern", r"NOT REGEXP(`country`, '\A(?:[A-Z]{2})\z')"),
        ("required_missing:day:required", "`day` IS NULL"),
        ("below_minimum:day:minimum", "`day` < DATE '2020-01-01'"),
        ("required_missing:placed:required", "`placed` IS NULL"),
        (
            "above_maximum:placed:maximum",
            "`placed` > CAST(TIMESTAMP '2029-12-31 23:00:00.000000' AS TIMESTAMP_LTZ(6))",
        ),
        (
            "event_time_in_future:placed:maxFuture",
            "`placed` > `_kafka_time` + INTERVAL '0 01:30:00.000' DAY TO SECOND(3)",
        ),
        ("rule_failed::ships_after_order", "NOT (`shipped` >= `placed`)"),
    ]


def test_the_expression_holds_the_checks_in_order(orders: Contract) -> None:
    sql = verdict_sql(orders)
    assert sql.startswith("CAST(CASE")
    assert sql.endswith("END AS STRING)")
    assert re.findall(r"THEN '([^']*)'", sql) == [c.verdict for c in checks(orders)]
    assert "ELSE" not in sql


def test_without_a_promise_only_the_kafka_time_is_judged(orders: Contract) -> None:
    bare = replace(orders, columns=(Column("a", STRING),), rules=(), max_future=None)
    assert [c.reason for c in checks(bare)] == [ReasonCode.KAFKA_TIME_OUT_OF_RANGE]


def test_many_checks_are_cut_into_cases_in_the_same_order(orders: Contract) -> None:
    columns = tuple(Column(f"c{i}", STRING, required=True) for i in range(CHECKS_A_CASE * 2))
    wide = replace(orders, columns=columns, max_future=None)
    sql = verdict_sql(wide)
    assert sql.startswith("CAST(COALESCE(CASE")
    assert sql.count("CASE\n") == 3
    assert re.findall(r"THEN '([^']*)'", sql) == [c.verdict for c in checks(wide)]


def test_texts_of_a_contract_cannot_leave_their_quotes(orders: Contract) -> None:
    nasty = Column("a", STRING, enum=("x') OR TRUE --",), pattern="it's")
    sql = verdict_sql(
        replace(orders, columns=(nasty,), rules=(Rule("r", "(`a` = 'b')", "", 1),), max_future=None)
    )
    assert "NOT IN ('x'') OR TRUE --')" in sql
    assert r"'\A(?:it''s)\z'" in sql
    assert identifier("a`b") == "`a``b`"


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        (timedelta(days=1), "INTERVAL '1' DAY"),
        (timedelta(days=2, seconds=3723, milliseconds=4), "INTERVAL '2 01:02:03.004' DAY TO SECOND(3)"),
        (1e-7, "1E-07"),
        (2.0, "2.0E0"),
        (True, "TRUE"),
    ],
)
def test_literals(value: timedelta | float, sql: str) -> None:
    assert literal(value) == sql


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT3H", timedelta(hours=3)),
        ("P1D", timedelta(days=1)),
        ("P1W", timedelta(weeks=1)),
        ("P1DT2H3M4.5S", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "P1M", "P1Y", "1D", "PT-1H", "pt1h", "PT1.5H", "P1D "]
)
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is not an ISO 8601 duration"):
        duration(text)


def test_the_length_bounds_what_the_pattern_reads(edited: Edit) -> None:
    contract = load(edited("maxLength: 12", "maxLength: 12\n          pattern: '[a-z]*'").path)

    assert [c.rule for c in checks(contract) if c.field == "id"] == [
        "required",
        "minLength",
        "maxLength",
        "pattern",
    ]
