"""Offsets of a topic, in the shapes in which every part of headrace uses them.

A base module: it imports nothing of headrace, so records, tables and proofs mean the same by these words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import GetCoreSchemaHandler, PlainSerializer
from pydantic_core import core_schema


def _by_text(offsets: dict[int, int]) -> dict[str, int]:
    return {str(partition): offset for partition, offset in sorted(offsets.items())}


Offsets = Annotated[dict[int, int], PlainSerializer(_by_text, when_used="json")]
"""Partition → offset. JSON has no integer keys: as a field of a record it writes text, and reads it back."""

OffsetArray = npt.NDArray[np.int64]
"""The offsets of many rows."""

Epoch = tuple[int, int]
"""A leader epoch of a partition, and the offset at which it begins."""


@dataclass(frozen=True, order=True)
class Span:
    """Offsets ``first`` to ``last``, both included, of one partition. Records hold it as text."""

    partition: int
    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read what ``str`` writes: ``0:100-200`` or ``0:100``.

        Raises:
            ValueError: it is something else.
        """
        partition, _, offsets = text.partition(":")
        first, _, last = offsets.partition("-")
        return cls(int(partition), int(first), int(last or first))

    def covers(self, other: Span) -> bool:
        """Whether all of the other one lies in this one."""
        return self.partition == other.partition and self.first <= other.first and other.last <= self.last

    def __str__(self) -> str:
        return f"{self.partition}:{self.first}" + ("" if self.first == self.last else f"-{self.last}")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """How a record reads and writes it."""
        return core_schema.no_info_plain_validator_function(
            cls._read, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    @classmethod
    def _read(cls, value: object) -> Span:
        if isinstance(value, cls):
            return value
        try:
            return cls.parse(str(value))
        except ValueError:
            raise ValueError("offsets are written like 0:100-200") from None


def span_list(spans: Sequence[Span], most: int = 10) -> str:
    """The first of these spans, and how many more there are."""
    more = f" and {len(spans) - most} more" if len(spans) > most else ""
    return ", ".join(map(str, spans[:most])) + more
