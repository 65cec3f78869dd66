"""How long-running steps report how far they are, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then; an argument that is left out keeps its last value."""

    def __call__(
        self, completed: float | None = None, total: float | None = None, what: str | None = None
    ) -> None:
        """Take note of it."""


def silent(completed: float | None = None, total: float | None = None, what: str | None = None) -> None:
    """A listener that ignores everything."""
