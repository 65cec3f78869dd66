"""A set of records, identified by their positions: partition and offset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from headrace.offsets import OffsetArray, Span, span_list

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Positions:
    """Which records; each at most once."""

    offsets: Mapping[int, OffsetArray] = field(default_factory=dict)
    """Partition → offsets, sorted."""

    @classmethod
    def union(cls, parts: Iterable[Mapping[int, OffsetArray]]) -> Positions:
        """All of them together."""
        union: dict[int, list[OffsetArray]] = {}
        for part in parts:
            for partition, offsets in part.items():
                union.setdefault(partition, []).append(offsets)
        return cls({p: np.unique(np.concatenate(many)) for p, many in sorted(union.items())})

    @classmethod
    def of_spans(cls, spans: Iterable[Span]) -> Positions:
        """Every offset of these spans."""
        return cls.union({s.partition: np.arange(s.first, s.last + 1)} for s in spans)

    @classmethod
    def of_rows(cls, partitions: npt.NDArray[np.int32], offsets: OffsetArray) -> Positions:
        """Those of rows, given column by column."""
        return cls.union({int(p): offsets[partitions == p]} for p in np.unique(partitions))

    def holds(self, partitions: npt.NDArray[np.int32], offsets: OffsetArray) -> Mask:
        """Which rows belong to the set."""
        mask = np.zeros(len(offsets), dtype=bool)
        for partition in np.unique(partitions):
            if (own := self.offsets.get(int(partition))) is not None:
                here = partitions == partition
                mask[here] = np.isin(offsets[here], own, assume_unique=False)
        return mask

    def may_overlap(self, partitions: tuple[int, int], offsets: tuple[int, int]) -> bool:
        """Whether a file with these bounds (lowest and highest) could hold one of them."""
        return any(
            partitions[0] <= p <= partitions[1]
            and np.searchsorted(own, offsets[0]) < np.searchsorted(own, offsets[1], side="right")
            for p, own in self.offsets.items()
        )

    def without(self, other: Positions) -> Positions:
        """Those that the other set lacks."""
        left = {
            p: np.setdiff1d(own, other.offsets.get(p, np.array([], np.int64)))
            for p, own in self.offsets.items()
        }
        return Positions({p: own for p, own in left.items() if len(own)})

    def before(self, frontier: Mapping[int, int]) -> Positions:
        """Those before a frontier, and all that are of files and not of the topic."""
        left = {
            p: own if p < 0 else own[: np.searchsorted(own, frontier.get(p, 0))]
            for p, own in self.offsets.items()
        }
        return Positions({p: own for p, own in left.items() if len(own)})

    def intersection(self, other: Positions) -> Positions:
        """Those that the other set has too."""
        return self.without(self.without(other))

    def firsts(self) -> dict[int, int]:
        """Per partition of the topic, the first offset; what is of files has none."""
        return {p: int(own[0]) for p, own in self.offsets.items() if p >= 0}

    def ends(self) -> dict[int, int]:
        """Per partition of the topic, the offset after the last."""
        return {p: int(own[-1]) + 1 for p, own in self.offsets.items() if p >= 0}

    def spans(self) -> list[Span]:
        """The set as runs of offsets."""
        spans: list[Span] = []
        for partition, own in self.offsets.items():
            breaks = np.flatnonzero(np.diff(own) > 1)
            firsts, lasts = own[np.r_[0, breaks + 1]], own[np.r_[breaks, len(own) - 1]]
            spans += [Span(partition, int(a), int(b)) for a, b in zip(firsts, lasts, strict=True)]
        return spans

    def __len__(self) -> int:
        """How many records."""
        return sum(map(len, self.offsets.values()))

    def __str__(self) -> str:
        """Some of the spans, for an error."""
        return span_list(self.spans())
