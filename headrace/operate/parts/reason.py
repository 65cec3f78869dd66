"""The reason that every decision needs."""

from __future__ import annotations

from headrace.errors import UsageError


def require_reason(why: str) -> None:
    """Refuse to decide without a reason: the next operator will ask for it.

    Raises:
        UsageError: there is no reason.
    """
    if not why.strip():
        raise UsageError("this needs a reason", remedy='add --why "…": the next operator will read it')
