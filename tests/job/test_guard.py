"""The guard of Python functions, as a worker runs it, without Flink."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from headrace.job import functions, guard


class TooLong(Exception):
    pass


def raising(number: int) -> int:
    raise TooLong(f"secret {number}")


def test_the_name_of_an_exception_is_the_reason() -> None:
    names = ("NotATailNumber", "ValueError", "HTTPError", "KeyError")
    found = [guard.reason_of(type(name, (Exception,), {})()) for name in names]
    assert found == ["not_a_tail_number", "value_error", "http_error", "key_error"]


RIGHT: list[tuple[tuple[Any, ...], Any]] = [
    (("INT",), 2**31 - 1),
    (("INT",), -(2**31)),
    (("BIGINT",), 2**63 - 1),
    (("STRING",), "zürich \U0001f6eb"),
    (("BOOLEAN",), False),
    (("DOUBLE",), 1.5),
    (("DOUBLE",), 1),
    (("DATE",), dt.date(2013, 1, 1)),
    (("DECIMAL", 4, 2), Decimal("-99.99")),
    (("DECIMAL", 4, 2), Decimal("0.01")),
    (("DECIMAL", 4, 2), Decimal(99)),
]
WRONG = [
    (("INT",), 2**31, "out_of_range"),
    (("INT",), True, "wrong_type"),
    (("INT",), 1.0, "wrong_type"),
    (("BIGINT",), -(2**63) - 1, "out_of_range"),
    (("STRING",), 1, "wrong_type"),
    (("STRING",), b"a", "wrong_type"),
    (("STRING",), "\ud800", "out_of_range"),
    (("BOOLEAN",), 1, "wrong_type"),
    (("DOUBLE",), "1.5", "wrong_type"),
    (("DOUBLE",), True, "wrong_type"),
    (("DATE",), dt.datetime(2013, 1, 1, tzinfo=dt.timezone.utc), "wrong_type"),
    (("DECIMAL", 4, 2), Decimal(100), "out_of_range"),
    (("DECIMAL", 4, 2), Decimal("1E2"), "out_of_range"),
    (("DECIMAL", 4, 2), Decimal("0.001"), "out_of_range"),
    (("DECIMAL", 4, 2), Decimal("NaN"), "out_of_range"),
    (("DECIMAL", 4, 2), 1.25, "wrong_type"),
]


@pytest.mark.parametrize(("kind", "answer"), RIGHT)
def test_an_answer_of_the_type(kind: tuple[Any, ...], answer: object) -> None:
    assert guard.check(*kind)(answer) is None
    assert guard.check(*kind)(None) is None


@pytest.mark.parametrize(("kind", "answer", "reason"), WRONG)
def test_an_answer_that_is_not(kind: tuple[Any, ...], answer: object, reason: str) -> None:
    assert guard.check(*kind)(answer) == reason


def test_a_row() -> None:
    integer = guard.check("INT")
    assert tuple(guard.scalar(raising, [0], integer)(1)) == (None, "too_long")
    assert tuple(guard.scalar(raising, [0], integer)(None)) == (None, None), "NULL in, NULL out"
    assert tuple(guard.scalar(lambda n: n or 7, [], integer)(None)) == (7, None)
    assert tuple(guard.scalar(str, [0], integer)(1)) == (None, "wrong_type")


def test_rows_of_one_are_all_or_none() -> None:
    def counting(number: int) -> Any:
        yield number
        if number > 1:
            raise TooLong

    checks = [guard.check("INT")]
    assert list(guard.table(counting, [0], checks)(1)) == [(1, None)]
    assert list(guard.table(counting, [0], checks)(2)) == [(None, "too_long")]
    assert list(guard.table(counting, [0], checks)(None)) == []
    assert list(guard.table(lambda _: [("a", 1)], [0], checks)(1)) == [(None, "wrong_length")]
    assert list(guard.table(lambda _: ["a"], [0], checks)(1)) == [(None, "wrong_type")]


def answers(found: pd.DataFrame) -> list[tuple[Any, Any]]:
    plain = found.astype(object).where(found.notna(), None)
    return list(zip(plain["answer"], plain["reason"], strict=True))


def test_a_batch_finds_the_rows_that_fail() -> None:
    def odd_raises(numbers: Any) -> Any:
        assert numbers.dtype == "int32", "whole numbers stay whole beside NULLs"
        if (numbers % 2 == 1).any():
            raise TooLong(str(numbers.tolist()))
        return numbers * 10

    guarded = guard.pandas(odd_raises, [0], ["INT", "INT"])
    assert answers(guarded(pd.Series([2.0, np.nan, 3.0, 4.0]))) == [
        *((20, None), (None, None), (None, "too_long"), (40, None))
    ]
    assert answers(guarded(pd.Series([np.nan]))) == [(None, None)]


@pytest.mark.parametrize(
    ("kind", "made", "reason"),
    [
        ("INT", [2**31], "out_of_range"),
        ("INT", [1.5], "wrong_type"),
        ("INT", [1.0], None),
        ("DOUBLE", ["1.5"], "wrong_type"),
        ("DOUBLE", [1], None),
        ("DOUBLE", [np.nan], None),
        ("BOOLEAN", [1], "wrong_type"),
        ("BOOLEAN", [True], None),
        ("STRING", [1], "wrong_type"),
        ("STRING", ["a"], None),
        ("STRING", [], "wrong_length"),
    ],
)
def test_a_batch_of_the_type(kind: str, made: list[Any], reason: str | None) -> None:
    found = guard.pandas(lambda _: pd.Series(made, dtype=object if not made else None), [0], ["INT", kind])
    assert found(pd.Series([1]))["reason"].tolist() == [reason]


def test_a_worker_needs_no_headrace() -> None:
    assert functions.guard is guard
    sent = cloudpickle.dumps(guard.scalar(len, [0], guard.check("INT")))
    assert b"headrace.cli" not in sent
    assert b"headrace.errors" not in sent
    # By value: the module is named in it, and its code is there too.
    assert b"guarded" in sent
