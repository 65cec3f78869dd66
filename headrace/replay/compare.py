"""Compare two sets of rows record by record, by their positions in the topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headrace.read.text import to_json
from headrace.read.values import records

Rows = dict[str, pa.Table]
"""By output."""
Numbers = npt.NDArray[np.int64]

COUNTS = ("compared", "changed", "moved", "gone", "come")
"""What is counted in each partition."""

_IGNORED = ("contract_version",)
"""Columns that differ in every row because the contract version does."""


@dataclass(frozen=True)
class Sample:
    """One record or row that differs between the two sides."""

    position: str
    """Where it is in the topic; of a derived row, its key."""
    before: str
    """Its table; empty where there was no such row."""
    after: str
    """The same on the other side."""
    values: dict[str, tuple[Any, Any]]
    """Column → before, after: what changes where it stays in its table; all columns where it moves."""


@dataclass(frozen=True)
class Diff:
    """Counts of records of an ingest job, or of rows of a derive job, and a few of them."""

    compared: int
    same: int
    moved: dict[str, int]
    """``flights__quarantine → flights``: how many records go there."""
    changed: dict[str, dict[str, int]]
    """Table → column → in how many rows its value changes."""
    lost: dict[str, int]
    """Table → rows that go; of an ingest job, records that the other side does not hold."""
    added: dict[str, int]
    """Table → rows that come; of an ingest job, records that only the other side holds."""
    partitions: dict[str, dict[str, int]]
    """Partition of the topic, or of the table → ``COUNTS``."""
    samples: list[Sample] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        document = asdict(self)
        for sample in document["samples"]:
            sample["values"] = {c: [to_json(was), to_json(now)] for c, (was, now) in sample["values"].items()}
        return document


@dataclass(frozen=True)
class _Positions:
    """Positions as single numbers of 64 bits, in their order: of any partition, and at any offset."""

    partitions: Numbers
    """Every partition of both sides, sorted."""
    first: Numbers
    """Of each, the least offset."""
    width: int
    """How far apart offsets of one partition are, at most."""

    @classmethod
    def of(cls, *sides: Rows) -> _Positions:
        bounds: dict[int, tuple[int, int]] = {}
        for table in (table for side in sides for table in side.values()):
            partitions, offsets = _columns(table)
            for partition in np.unique(partitions).tolist():
                own = offsets[partitions == partition]
                least, most = bounds.get(partition, (own[0], own[0]))
                bounds[partition] = int(min(own.min(), least)), int(max(own.max(), most))
        width = max((most - least + 1 for least, most in bounds.values()), default=1)
        first = np.array([bounds[p][0] for p in sorted(bounds)], np.int64)
        return cls(np.array(sorted(bounds), np.int64), first, width)

    def keys(self, table: pa.Table) -> Numbers:
        partitions, offsets = _columns(table)
        places = np.searchsorted(self.partitions, partitions)
        keys: Numbers = places * self.width + (offsets - self.first[places])
        return keys

    def split(self, keys: Numbers) -> tuple[Numbers, Numbers]:
        """The partitions and the offsets."""
        places, within = np.divmod(keys, self.width)
        return self.partitions[places], self.first[places] + within

    def text(self, key: int) -> str:
        (partition,), (offset,) = self.split(np.array([key]))
        return f"{partition}:{offset}"


def _columns(table: pa.Table) -> tuple[Numbers, Numbers]:
    return tuple(table[c].to_numpy().astype(np.int64) for c in ("_partition", "_offset"))


@dataclass(frozen=True)
class _Side:
    """Every record of one side, in the order of positions."""

    rows: Rows
    positions: _Positions
    keys: Numbers
    homes: Numbers
    """Which table."""
    places: Numbers
    """Which row of it."""

    @classmethod
    def of(cls, rows: Rows, positions: _Positions) -> _Side:
        keys = [positions.keys(table) for table in rows.values()]
        homes = [np.full(len(k), i) for i, k in enumerate(keys)]
        places = [np.arange(len(k)) for k in keys]
        every = np.concatenate(keys)
        order = np.argsort(every, kind="stable")
        return cls(rows, positions, every[order], np.concatenate(homes)[order], np.concatenate(places)[order])

    def row(self, at: int | None) -> tuple[str, dict[str, Any], int]:
        """Of one record its table, its row and its key; nothing of none."""
        if at is None:
            return "", {}, 0
        table = list(self.rows)[self.homes[at]]
        return table, records(self.rows[table].slice(int(self.places[at]), 1))[0], int(self.keys[at])

    def within(self, last: Mapping[int, int]) -> _Side:
        """Only records that lie before the other side's end."""
        partitions, offsets = self.positions.split(self.keys)
        kept = np.zeros(len(self.keys), dtype=bool)
        for partition, end in last.items():
            kept |= (partitions == partition) & (offsets <= end)
        return _Side(self.rows, self.positions, self.keys[kept], self.homes[kept], self.places[kept])

    def ends(self) -> dict[int, int]:
        """Partition → the last offset."""
        partitions, offsets = self.positions.split(self.keys)
        return {int(p): int(offsets[partitions == p].max()) for p in np.unique(partitions)}


def compare(before: Rows, after: Rows, samples: int = 5, *, whole: bool = False) -> Diff:
    """Compare two sets of rows, record by record, as far as both reach.

    Args:
        before: by output, rows with ``_partition`` and ``_offset``.
        after: the same outputs.
        samples: so many changed records are shown.
        whole: both sides are all that is to be compared, however far each reaches.
    """
    positions = _Positions.of(before, after)
    old, new = _Side.of(before, positions), _Side.of(after, positions)
    if not whole:
        old, new = old.within(new.ends()), new.within(old.ends())
    names = list(before)
    both, at_old, at_new = np.intersect1d(old.keys, new.keys, return_indices=True)
    from_, to = old.homes[at_old], new.homes[at_new]
    moved = from_ != to
    changed, columns = _changes(old, new, at_old, at_new, moved)
    differs = moved | changed
    gone, come = _only(old, new), _only(new, old)
    of_each = (both, both[changed], both[moved], old.keys[gone], new.keys[come])
    counts = [Counter(positions.split(keys)[0].tolist()) for keys in of_each]
    differing: list[tuple[int | None, int | None]] = [
        *zip(at_old[differs].tolist(), at_new[differs].tolist(), strict=True),
        *((at, None) for at in gone.tolist()),
        *((None, at) for at in come.tolist()),
    ]
    return Diff(
        compared=len(both),
        same=int((~differs).sum()),
        moved=dict(Counter(f"{names[a]} → {names[b]}" for a, b in zip(from_[moved], to[moved], strict=True))),
        changed=columns,
        lost=_counted("records", len(gone)),
        added=_counted("records", len(come)),
        partitions={
            str(p): {name: by_partition[p] for name, by_partition in zip(COUNTS, counts, strict=True)}
            for p in sorted(set().union(*counts))
        },
        samples=[_sample(old, new, *at) for at in differing[:samples]],
    )


def _only(side: _Side, other: _Side) -> Numbers:
    """Places of the records that the other side does not hold."""
    return np.flatnonzero(~np.isin(side.keys, other.keys))


def _counted(what: str, number: int) -> dict[str, int]:
    return {what: number} if number else {}


def _changes(
    old: _Side, new: _Side, at_old: Numbers, at_new: Numbers, moved: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], dict[str, dict[str, int]]]:
    """Which records stay in their table and have other values; and the count by table and column."""
    changed = np.zeros(len(at_old), dtype=bool)
    counts: dict[str, dict[str, int]] = {}
    for home, name in enumerate(old.rows):
        here = np.flatnonzero(~moved & (old.homes[at_old] == home))
        left = old.rows[name].take(old.places[at_old[here]])
        right = new.rows[name].take(new.places[at_new[here]])
        for column in left.schema.names:
            if column in _IGNORED:
                continue
            differing = _differ(left[column], right[column])
            if differing.any():
                counts.setdefault(name, {})[column] = int(differing.sum())
                changed[here[differing]] = True
    return changed, counts


def _differ(left: pa.ChunkedArray, right: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Where two columns differ; NULL equals NULL."""
    values = pc.fill_null(pc.not_equal(left, right), False)  # noqa: FBT003
    nulls = pc.xor(pc.is_null(left), pc.is_null(right))
    differ: npt.NDArray[np.bool_] = pc.or_(values, nulls).to_numpy()
    return differ


def _sample(old: _Side, new: _Side, at_old: int | None, at_new: int | None) -> Sample:
    (before, left, key), (after, right, also) = old.row(at_old), new.row(at_new)
    columns = [c for c in dict.fromkeys([*left, *right]) if c not in _IGNORED and not c.startswith("_")]
    values = {c: (left.get(c), right.get(c)) for c in columns if left.get(c) != right.get(c)}
    place = key if at_new is None else also
    return Sample(old.positions.text(place), before, after, values)
