"""What a delay is called, for each end of a flight."""

from __future__ import annotations

from collections.abc import Iterator

from pyflink.table import DataTypes
from pyflink.table.udf import udtf

_CLASSES = ((-15, "early"), (15, "on time"), (60, "late"), (180, "very late"))
"""Up to how many minutes behind the schedule; what comes later is severe. On time is what DOT reports so."""


def classified(dep_delay: int | None, arr_delay: int | None) -> Iterator[tuple[str, int, str]]:
    """End, minutes and class for each end of the flight that was told; none of a cancelled flight."""
    for end, minutes in (("departure", dep_delay), ("arrival", arr_delay)):
        if minutes is not None:
            yield end, minutes, next((name for limit, name in _CLASSES if minutes < limit), "severe")


delay_classes = udtf(
    classified,
    input_types=[DataTypes.INT(), DataTypes.INT()],
    result_types=[DataTypes.STRING(), DataTypes.INT(), DataTypes.STRING()],
)
