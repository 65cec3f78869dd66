"""Functions that fail for some ids, and say a secret when they do."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import udf, udtf

PERSONAL = "a-personal-value"
RAISES, LIES, SURROGATE, EXITS = 1, 2, 3, 4
"""What happens for an id that ends in this digit."""


class BadValue(ValueError):
    pass


def spell(number: int, amount: Decimal) -> Any:
    digit = number % 10
    if digit == RAISES:
        raise BadValue(f"{PERSONAL} {number}")
    if digit == EXITS:
        raise SystemExit(f"{PERSONAL} {number}")
    return {LIES: number, SURROGATE: "\ud800"}.get(digit, f"{number} {amount}")


def halve(numbers: pd.Series) -> pd.Series:
    if (numbers % 10 == RAISES).any():
        raise BadValue(f"{PERSONAL} {numbers.to_list()}")
    return numbers // 2


def count(number: int, amount: Decimal | None) -> Iterator[str]:
    yield f"{number} first"
    if number % 10 == RAISES:
        raise BadValue(f"{PERSONAL} {number}")
    yield f"{number} {'nothing' if amount is None else amount}"


TEXT, BIGINT, AMOUNT = DataTypes.STRING(), DataTypes.BIGINT(), DataTypes.DECIMAL(6, 2)
spelled = udf(spell, input_types=[BIGINT, AMOUNT], result_type=TEXT)
halved = udf(halve, input_types=[DataTypes.INT()], result_type=DataTypes.INT(), func_type="pandas")
counted = udtf(count, input_types=[BIGINT, AMOUNT], result_types=[TEXT])
