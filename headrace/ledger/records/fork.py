"""Where a replay leaves the published branch."""

from __future__ import annotations

from pydantic import Field

from headrace.record import Record
from headrace.savepoint.metadata import checkpoint_of


class ForkPoint(Record):
    """A place on the published branch, between two manifests."""

    batch: int
    """The batch that holds its manifests; 0: before everything."""
    manifests: dict[str, str] = Field(default_factory=dict)
    """Per output the last shared one; empty: before everything."""

    @property
    def checkpoint(self) -> int:
        """The newest checkpoint before it, as the branch counts."""
        return max(map(checkpoint_of, self.manifests.values()), default=0)
