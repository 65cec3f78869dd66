"""A comparison of rows on a terminal: counts, partitions, samples."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from headrace.cli.output import fitted
from headrace.lake.query import to_text
from headrace.replay.compare import COUNTS, Diff, Sample


def compared(found: Diff) -> Group:
    """What changes, by table and column, by partition, and some records."""
    changes = Table("what", "records")
    changes.columns[1].justify = "right"
    changes.add_row("the same", f"{found.same:,}")
    for move, number in sorted(found.moved.items()):
        changes.add_row(move, f"{number:,}")
    for table, columns in sorted(found.changed.items()):
        for column, number in columns.items():
            changes.add_row(f"{table}.{column} changes", f"{number:,}")
    for what, counts in (("gone", found.lost), ("come", found.added)):
        for table, number in counts.items():
            changes.add_row(f"{table}: {what}", f"{number:,}")
    parts = Table("partition", *COUNTS)
    for partition, n in found.partitions.items():
        parts.add_row(str(partition), *(f"{n[k]:,}" for k in COUNTS))
    return Group(fitted(changes), fitted(parts), *map(_sample, found.samples))


def _sample(s: Sample) -> Text:
    shown = Text(f"{s.position}  {s.before or '—'}" + (f" → {s.after or '—'}" if s.after != s.before else ""))
    for column, (before, after) in s.values.items():
        shown.append(f"\n  {column}: ", style="dim")
        shown.append(to_text(before), style="red").append(" → ").append(to_text(after), style="green")
    return shown
