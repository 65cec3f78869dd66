"""The guard of Python functions, as a worker runs it, without Flink."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyflink.common import Row
from pyflink.table.utils import pandas_to_arrow

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
    (("DECIMAL", 4, 2), Decimal("1.500")),
    (("DECIMAL", 4, 2), Decimal("1E1")),
    (("DECIMAL", 2, 2), Decimal("0E+5")),
    (("DOUBLE",), 2**53),
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
    (("DOUBLE",), 2**53 + 1, "out_of_range"),
    (("DOUBLE",), 10**400, "out_of_range"),
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
    for taken_to_pieces in ("12", b"12", {1: 2}):
        assert list(guard.table(lambda _, t=taken_to_pieces: t, [0], checks)(1)) == [(None, "wrong_type")]
    assert list(guard.table(lambda _: [Row(1)], [0], checks)(1)) == [(1, None)]


class Panic(BaseException):
    """As native code raises it."""


@pytest.mark.parametrize("raised", [Panic, SystemExit, RecursionError])
def test_whatever_is_raised_is_a_reason(raised: type[BaseException]) -> None:
    def fails(_: object) -> int:
        raise raised("secret")

    reason = guard.reason_of(raised())
    assert tuple(guard.scalar(fails, [0], guard.check("INT"))(1)) == (None, reason)
    assert list(guard.table(fails, [0], [guard.check("INT")])(1)) == [(None, reason)]
    assert answers(guard.pandas(fails, [0], ["INT", "INT"])(pd.Series([1]))) == [(None, reason)]


def test_a_worker_can_be_asked_to_end() -> None:
    def ended(_: object) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guard.scalar(ended, [0], guard.check("INT"))(1)


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


def test_a_function_may_change_what_it_is_given() -> None:
    def changing(numbers: Any) -> Any:
        numbers += 1
        if (numbers == 3).any():
            raise TooLong
        return numbers

    found = guard.pandas(changing, [0], ["INT", "INT"])(pd.Series([10, 20, 2, 30]))
    assert answers(found) == [(11, None), (21, None), (None, "too_long"), (31, None)]


def as_flink_takes_it(frame: pd.DataFrame, kind: str) -> list[Any]:
    """By pyflink's own conversion."""
    answer = {"INT": pa.int32(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_()}
    row = pa.struct([("answer", answer.get(kind, pa.string())), ("reason", pa.string())])
    schema = pa.schema([("made", row)])
    batch = pandas_to_arrow(schema, None, [None], [frame])
    return [(r["made"]["answer"], r["made"]["reason"]) for r in batch.to_pylist()]


@pytest.mark.parametrize(
    ("kind", "series", "taken"),
    [
        ("STRING", pd.Series(["a", None], dtype="string"), ["a", None]),
        ("STRING", pd.Series([pd.NaT, pd.NaT]), [None, None]),
        ("INT", pd.Series([1, None], dtype="Int64"), [1, None]),
        ("INT", pd.Series([1.0, np.nan]), [1, None]),
        ("BIGINT", pd.Series([2**62, 1]), [2**62, 1]),
        ("DOUBLE", pd.Series([1.5, None], dtype="Float64"), [1.5, None]),
        ("DOUBLE", pd.Series([1, 2]), [1.0, 2.0]),
        ("DOUBLE", pd.Series([0.0, 1.0], dtype=pd.SparseDtype(float)), [0.0, 1.0]),
        ("BOOLEAN", pd.Series([True, None], dtype="boolean"), [True, None]),
        ("BOOLEAN", pd.Series([True, None], dtype=object), [True, None]),
        ("DOUBLE", pd.Series([2**53 + 1, 1]), [None, 1.0]),
        ("DOUBLE", pd.Series([2**63, 1], dtype=object), [None, 1.0]),
        ("STRING", pd.Series([1, 2]), [None, None]),
        ("STRING", pd.Series(["\ud800", "a"]), [None, "a"]),
    ],
)
def test_a_batch_reaches_flink_as_it_is(kind: str, series: Any, taken: list[Any]) -> None:
    def answer(numbers: Any) -> Any:
        return series.iloc[numbers.to_numpy()]

    found = guard.pandas(answer, [0], ["INT", kind])(pd.Series([0, 1]))
    assert [a for a, _ in as_flink_takes_it(found, kind)] == taken


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
    assert functions.guard is guard  # type: ignore[attr-defined]
    sent = cloudpickle.dumps(guard.scalar(len, [0], guard.check("INT")))
    assert b"headrace.cli" not in sent
    assert b"headrace.errors" not in sent
    # By value: the module is named in it, and its code is there too.
    assert b"guarded" in sent
