"""ISO 8601 durations of fixed length: a month is not a length of time, so months and years are refused."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(
    r"P(?!$)(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?!$)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,3})?)S)?)?"
)


def duration(text: str) -> timedelta:
    """``PT3H``, ``P1D``, ``P1DT30M``, ``PT0.5S``.

    Raises:
        ValueError: it is not a duration, or contains years or months.
    """
    match = _DURATION.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not an ISO 8601 duration of weeks, days, hours, minutes and seconds")
    return timedelta(**{unit: float(n) for unit, n in match.groupdict().items() if n})
