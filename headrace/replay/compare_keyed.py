"""Compare rows by the keys of their tables: rows of a derive job have no position in a topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from headrace.read.values import records
from headrace.replay.compare import COUNTS, Diff, Rows, Sample
from headrace.table.outputs import Output

Row = dict[str, Any]


@dataclass(frozen=True)
class _Pair:
    """The rows of one key, before and after."""

    before: list[Row]
    after: list[Row]

    @property
    def newest(self) -> Row:
        """A row of the side that is there; the newer side if both are."""
        return (self.after or self.before)[0]

    @property
    def compared(self) -> int:
        return max(len(self.before), len(self.after))

    @property
    def added(self) -> int:
        """How many rows were added; below zero: removed."""
        return len(self.after) - len(self.before)

    @property
    def changed(self) -> list[str]:
        """The columns whose values differ, where both sides have a row."""
        if not (self.before and self.after):
            return []
        old, new = self.before[0], self.after[0]
        return [column for column in new if old[column] != new[column]]

    def values(self, columns: list[str]) -> dict[str, tuple[Any, Any]]:
        """Of these columns, the value before and after."""
        old, new = (side[0] if side else {} for side in (self.before, self.after))
        return {column: (old.get(column), new.get(column)) for column in columns}


@dataclass
class _Comparison:
    """What was counted so far."""

    samples: int
    """How many changed rows are shown."""
    diff: Diff = field(default_factory=lambda: Diff(0, 0, {}, {}, {}, {}, {}, []))
    compared: int = 0
    same: int = 0

    def add(self, name: str, output: Output, pair: _Pair) -> None:
        """Count the rows of one key of an output."""
        count = self.diff.partitions.setdefault(
            _partition(name, output, pair.newest), dict.fromkeys(COUNTS, 0)
        )
        self.compared += pair.compared
        count["compared"] += pair.compared
        changed = pair.changed
        if not (pair.added or changed):
            self.same += pair.compared
            return
        count["changed"] += bool(changed)
        for column in changed:
            _increase(self.diff.changed.setdefault(name, {}), column, 1)
        if pair.added > 0:
            count["come"] += pair.added
            _increase(self.diff.added, name, pair.added)
        elif pair.added < 0:
            count["gone"] -= pair.added
            _increase(self.diff.lost, name, -pair.added)
        if len(self.diff.samples) < self.samples:
            self.diff.samples.append(_sample(name, output, pair, changed))


def compare_keyed(before: Rows, after: Rows, outputs: Mapping[str, Output], samples: int = 5) -> Diff:
    """Compare rows by their tables' keys; where a table has none, whole rows.

    Args:
        before: by output, all rows.
        after: the same outputs.
        outputs: what the tables are.
        samples: so many changed rows are shown.
    """
    comparison = _Comparison(samples)
    for name, output in outputs.items():
        old, new = _by_key(before[name], output), _by_key(after[name], output)
        for key in sorted(old.keys() | new.keys(), key=str):
            comparison.add(name, output, _Pair(old.get(key, []), new.get(key, [])))
    return replace(comparison.diff, compared=comparison.compared, same=comparison.same)


def _partition(name: str, output: Output, row: Row) -> str:
    """Output and partition of a row, as text."""
    return ", ".join(f"{name} {c.name}={row[c.name]}" for c in output.columns if c.partition) or name


def _sample(name: str, output: Output, pair: _Pair, changed: list[str]) -> Sample:
    columns = changed or [column for column in pair.newest if column not in output.key]
    key = " ".join(f"{column}={pair.newest[column]}" for column in output.key) or name
    return Sample(key, name if pair.before else "", name if pair.after else "", pair.values(columns))


def _increase(counts: dict[str, int], name: str, by: int) -> None:
    counts[name] = counts.get(name, 0) + by


def _by_key(rows: pa.Table, output: Output) -> dict[tuple[Any, ...], list[Row]]:
    by_key: dict[tuple[Any, ...], list[Row]] = {}
    for row in records(rows):
        by_key.setdefault(tuple(row[column] for column in output.key or row), []).append(row)
    return by_key
