"""The class of a delay, for each end of a flight."""

from __future__ import annotations

from collections.abc import Iterator

from pyflink.table import DataTypes
from pyflink.table.udf import udtf

_CLASSES = ((-15, "early"), (15, "on time"), (60, "late"), (180, "very late"))
"""Upper bounds in minutes after the schedule; anything later is severe. The bound of on time is DOT's."""


def classified(dep_delay: int | None, arr_delay: int | None) -> Iterator[tuple[str, int, str]]:
    """Yield end, minutes and class for each end that has a delay; nothing for a cancelled flight."""
    for end, minutes in (("departure", dep_delay), ("arrival", arr_delay)):
        if minutes is not None:
            yield end, minutes, next((name for limit, name in _CLASSES if minutes < limit), "severe")


delay_classes = udtf(
    classified,
    input_types=[DataTypes.INT(), DataTypes.INT()],
    result_types=[DataTypes.STRING(), DataTypes.INT(), DataTypes.STRING()],
)
