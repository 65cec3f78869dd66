"""The identity that a derive job's tables must satisfy, window by window: read = counted + late + waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from headrace.verify.conserved import Imbalance, RowGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MS = timedelta(milliseconds=1)


def in_windows(patched: Mapping[int, int], window: timedelta) -> dict[int, int]:
    """Rows by event time, in milliseconds, as rows by the begin of their window."""
    by_window: dict[int, int] = {}
    for at, rows in patched.items():
        begin = at - at % (max(window, MS) // MS)
        by_window[begin] = by_window.get(begin, 0) + rows
    return by_window


def balance(
    groups: Iterable[RowGroup], window: timedelta, watermark: int, patched: Mapping[int, int] | None = None
) -> tuple[dict[str, int], list[Imbalance]]:
    """The sums over all groups, and what does not add up.

    Rows that are unaccounted for are waiting while the watermark has not passed their window. If a later
    window is complete, an earlier watermark had passed both: a restart resets Flink's watermark, and until it
    has come as far again, it is unknown whether such rows are waiting or missing.

    Args:
        groups: all windows or event times, the newest first.
        window: how long each is; zero: an event time.
        watermark: how far event time had come, in milliseconds.
        patched: where a window begins → rows in it that may be missing.
    """
    sums = dict.fromkeys(("arrived", "late", "counted", "stale", "waiting"), 0)
    imbalances: list[Imbalance] = []
    complete = False
    for group in groups:
        complete = complete or group.counted > 0
        passed = group.at + max(window, MS) // MS - 1 <= watermark
        due = passed or complete
        missing = max(group.unaccounted, 0)
        stale = min(missing, (patched or {}).get(group.at, 0)) if due else 0
        if group.unaccounted < 0:
            imbalances.append(Imbalance("too many", "", -group.unaccounted, group, window))
        elif due and missing > stale:
            imbalances.append(_shortfall(group, window, missing - stale, passed=passed))
        sums["stale"] += stale
        sums["arrived"] += group.arrived
        sums["late"] += group.late
        sums["counted"] += group.counted
        sums["waiting"] += 0 if due else missing
    return sums, imbalances[::-1]


def _shortfall(group: RowGroup, window: timedelta, rows: int, *, passed: bool) -> Imbalance:
    return Imbalance("missing" if passed else "unproved", "", rows, group, window)
