"""The same small function three ways: the class of a flight's distance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import udf

_NAMES = np.array(["short", "medium", "long"], dtype=object)
IN_SQL = "CASE WHEN distance < 500 THEN 'short' WHEN distance < 1500 THEN 'medium' ELSE 'long' END"


def one(distance: int) -> str:
    """By row."""
    return "short" if distance < 500 else "medium" if distance < 1500 else "long"  # noqa: PLR2004


def many(distance: pd.Series) -> pd.Series:
    """By the batch."""
    return pd.Series(_NAMES[np.searchsorted([500, 1500], distance, side="right")])


by_row = udf(one, input_types=[DataTypes.INT()], result_type=DataTypes.STRING())
by_batch = udf(many, input_types=[DataTypes.INT()], result_type=DataTypes.STRING(), func_type="pandas")
