"""The verdict of a proof. A word that is none of these does not pass the type check."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Literal

Verdict = Literal["proved", "broken", "unproved"]
"""``unproved``: the evidence can neither confirm nor refute what was found."""


def verdict_on(kinds: AbstractSet[str], unprovable: AbstractSet[str]) -> Verdict:
    """The verdict on findings of these kinds, some of which show only that evidence is missing."""
    if not kinds:
        return "proved"
    return "unproved" if kinds <= unprovable else "broken"
