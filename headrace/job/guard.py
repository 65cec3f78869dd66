"""The wrapper of a Python function in the worker: an answer or a reason, and never a value in a message.

This module is sent to the workers as it is, with the job: it imports nothing of headrace. A function that
raises would stop the job, and Flink would write the offending value into logs and the web UI. Here, an
exception becomes a reason, which is only the name of its class; so does an answer that is not of the declared
type, which Flink's coders would change silently or fail on.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

WRONG_TYPE = "wrong_type"
OUT_OF_RANGE = "out_of_range"
WRONG_LENGTH = "wrong_length"

AnswerCheck = Callable[[Any], "str | None"]
"""Returns why an answer is not of the declared type; None if it is."""

_EXPECTED: tuple[type[BaseException], ...] = (BaseException,)
_STOPS = (KeyboardInterrupt, GeneratorExit)
"""How a worker is stopped: not the fault of a value. All others become reasons, even panics of native
code."""
_EXACT = 1 << 53
"""Up to this, every integer is exact as a DOUBLE."""
_BITS = {"INT": 31, "BIGINT": 63}
_CLASSES: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "BOOLEAN": (bool,),
    "DOUBLE": (float, int),
    "DATE": (dt.date,),
}


def reason_of(error: BaseException) -> str:
    """The name of the exception's class, as reasons are written: NotATailNumber → not_a_tail_number."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(error).__name__).lower()


def check(kind: str, precision: int = 0, scale: int = 0) -> AnswerCheck:
    """The check for one of Flink's types; None is always a valid answer."""

    def integer(answer: Any) -> str | None:
        if type(answer) is not int:
            return WRONG_TYPE
        return None if -(1 << _BITS[kind]) <= answer < 1 << _BITS[kind] else OUT_OF_RANGE

    def decimal(answer: Any) -> str | None:
        if not isinstance(answer, Decimal):
            return WRONG_TYPE
        if not answer.is_finite():
            return OUT_OF_RANGE
        _, digits, exponent = answer.as_tuple()
        written = "".join(map(str, digits)).lstrip("0")
        plain = written.rstrip("0")  # 1.500 is 1.5
        last = int(exponent) + len(written) - len(plain)
        fits = -last <= scale and len(plain) + last <= precision - scale
        return None if not plain or fits else OUT_OF_RANGE

    def text(answer: Any) -> str | None:
        if not isinstance(answer, str):
            return WRONG_TYPE
        return None if answer.isascii() or not re.search("[\ud800-\udfff]", answer) else OUT_OF_RANGE

    classes = _CLASSES.get(kind, ())
    # A bool is an int to Python, a datetime a date.
    not_these = () if kind == "BOOLEAN" else (bool, dt.datetime)

    def simple(answer: Any) -> str | None:
        if not isinstance(answer, classes) or (not_these and isinstance(answer, not_these)):
            return WRONG_TYPE
        return OUT_OF_RANGE if type(answer) is int and abs(answer) > _EXACT else None

    chosen: AnswerCheck = {"INT": integer, "BIGINT": integer, "DECIMAL": decimal, "STRING": text}.get(
        kind, simple
    )
    return lambda answer: None if answer is None else chosen(answer)


def scalar(function: Callable[..., Any], strict: Sequence[int], checked: AnswerCheck) -> Callable[..., Any]:
    """One row, one answer. NULL for one of the ``strict`` arguments gives NULL without a call."""
    from pyflink.common import Row  # noqa: PLC0415 - in the worker

    def guarded_call(*arguments: Any) -> Any:
        for position in strict:
            if arguments[position] is None:
                return Row(None, None)
        try:
            answer = function(*arguments)
            reason = checked(answer)
        except _STOPS:
            raise
        except _EXPECTED as e:
            return Row(None, reason_of(e))
        return Row(None, reason) if reason else Row(answer, None)

    return guarded_call


def table(
    function: Callable[..., Any], strict: Sequence[int], checks: Sequence[AnswerCheck]
) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """One row becomes any number of rows; if one of them is wrong, there is only a row with the reason."""

    def guarded_call(*arguments: Any) -> Iterator[tuple[Any, ...]]:
        if any(arguments[position] is None for position in strict):
            return
        try:
            answer = function(*arguments)
            if isinstance(answer, str | bytes | dict):  # it would be split into its parts
                raise _Wrong(WRONG_TYPE)
            rows = [_cells(row, checks) for row in answer]
        except _STOPS:
            raise
        except _EXPECTED as e:
            yield (*(None for _ in checks), e.args[0] if isinstance(e, _Wrong) else reason_of(e))
            return
        yield from rows

    return guarded_call


class _Wrong(Exception):  # noqa: N818 - never leaves this module
    """A row that is not of the declared types; its only argument is the reason."""


def _cells(row: Any, checks: Sequence[AnswerCheck]) -> tuple[Any, ...]:
    cells = tuple(row) if isinstance(row, tuple | list) or type(row).__name__ == "Row" else (row,)
    if len(cells) != len(checks):
        raise _Wrong(WRONG_LENGTH)
    for cell, checked in zip(cells, checks, strict=True):
        if reason := checked(cell):
            raise _Wrong(reason)
    return (*cells, None)


def _series_check(kind: str) -> AnswerCheck:
    """As :func:`check`, for a whole series."""
    text, limit = check("STRING"), 1 << _BITS.get(kind, 63)
    wanted = {"DOUBLE": "iuf", "INT": "iu", "BIGINT": "iu", "BOOLEAN": "b"}.get(kind, "")

    def wrong(answer: Any) -> str | None:
        present = answer.dropna().infer_objects()
        if kind == "STRING":
            return next(filter(None, map(text, present)), None)
        made = present.dtype.kind
        if kind in _BITS and made == "f" and bool((present % 1 == 0).all()):
            made = "i"  # pandas makes floats of integers with NULLs
        if len(present) and made not in wanted:
            return WRONG_TYPE
        return None if in_range(present, made) else OUT_OF_RANGE

    def in_range(present: Any, made: str) -> bool:
        if kind in _BITS:
            return bool(((present >= -limit) & (present < limit)).all())
        return kind != "DOUBLE" or made == "f" or bool((present.abs() <= _EXACT).all())

    return wrong


def pandas(function: Callable[..., Any], strict: Sequence[int], kinds: Sequence[str]) -> Callable[..., Any]:
    """A batch of rows at once; ``kinds`` are the types of the arguments and, last, of the answer.

    The function sees only rows whose strict arguments are present, with integers as integers. If it raises,
    the batch is halved until the rows that cause it are found: correct, but slow. It gets copies, since
    changes to its arguments would otherwise change the halves.
    """
    import pandas as pd  # noqa: PLC0415 - in the worker

    *given, made = kinds
    of_numpy = {"INT": "int32", "BOOLEAN": "bool"}
    whole = {
        p: of_numpy[given[p]] for p in strict if given[p] in of_numpy
    }  # with NULLs they came with other types
    wrong = _series_check(made)

    def plain(answer: Any) -> Any:
        """In a form that Arrow accepts: some of pandas' many column types would stop the job."""
        if str(answer.dtype) in ("float64", "int64", "int32", "bool"):
            return answer.astype("float64") if made == "DOUBLE" else answer
        return answer.astype(object).where(answer.notna(), None)

    def answered(rows: Any) -> Any:
        try:
            answer = pd.Series(function(*(rows[column].copy() for column in rows))).reset_index(drop=True)
            reason = wrong(answer) if len(answer) == len(rows) else WRONG_LENGTH
            if reason is None:
                return pd.DataFrame({"answer": plain(answer), "reason": None})
            all_alike = reason == WRONG_TYPE and answer.dtype != object
        except _STOPS:
            raise
        except _EXPECTED as e:
            reason, all_alike = reason_of(e), False
        if all_alike or len(rows) == 1:
            return pd.DataFrame({"answer": None, "reason": [reason] * len(rows)})
        half = len(rows) // 2
        halves = (rows.iloc[:half], rows.iloc[half:])
        return pd.concat([answered(h.reset_index(drop=True)) for h in halves], ignore_index=True)

    def guarded_call(*arguments: Any) -> Any:
        rows = pd.concat([pd.Series(a).reset_index(drop=True) for a in arguments], axis=1, ignore_index=True)
        present = rows.dropna(subset=list(strict)) if strict else rows
        if not len(present):
            return pd.DataFrame({"answer": None, "reason": None}, index=rows.index)
        answers = answered(present.astype(whole).reset_index(drop=True))
        return answers.set_axis(present.index).reindex(rows.index)

    return guarded_call
