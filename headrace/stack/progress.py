"""How long steps tell how far they are, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then; every argument is optional and keeps its last value when left out."""

    def __call__(
        self, completed: float | None = None, total: float | None = None, what: str | None = None
    ) -> None:
        """Show it."""


def silent(completed: float | None = None, total: float | None = None, what: str | None = None) -> None:
    """A listener that does not care."""
