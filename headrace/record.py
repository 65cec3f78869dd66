"""What everything that is stored as JSON has in common: it never changes, and it has no unknown field."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A value that never changes.

    An unknown field is refused, not skipped: the program that wrote it may have meant by it that a batch does
    something else, and a table would follow only half of the record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def to_json(self) -> dict[str, Any]:
        """As plain values, for ``-o json``."""
        return self.model_dump(mode="json")
