"""A comparison of rows on a terminal: counts, partitions, samples."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from headrace.cli.output import fitted, hanging, listing
from headrace.read.query import to_text
from headrace.replay.compare import COUNTS, Diff, Sample

SHOWN = 120
"""Characters of a value of a record that comes, goes or moves; JSON has all."""


def compared(found: Diff) -> Group:
    """What changes, by table and column, by partition, and some records."""
    changes = listing("records", "what", numbers=["records"])
    changes.add_row(f"{found.same:,}", "the same")
    for move, number in sorted(found.moved.items()):
        changes.add_row(f"{number:,}", move)
    for table, columns in sorted(found.changed.items()):
        for column, number in columns.items():
            changes.add_row(f"{number:,}", f"{table}.{column} changes")
    for what, counts in (("gone", found.lost), ("come", found.added)):
        for table, number in counts.items():
            changes.add_row(f"{number:,}", f"{table}: {what}")
    parts = listing("partition", *COUNTS, numbers=["partition", *COUNTS])
    for partition, n in found.partitions.items():
        parts.add_row(str(partition), *(f"{n[k]:,}" for k in COUNTS))
    samples = [Text(), *map(_sample, found.samples)] if found.samples else []
    return Group(fitted(changes), *([Text(), fitted(parts)] if found.partitions else []), *samples)


def _sample(s: Sample) -> Text:
    """What changes in a record that stays where it is; of one that comes, goes or moves, what it is."""
    if s.before == s.after:
        shown = Text(f"{s.position}  {s.before}")
        for column, (before, after) in s.values.items():
            shown.append(f"\n  {column}: ", style="dim")
            shown.append(to_text(before), style="red").append(" → ").append(to_text(after), style="green")
        return shown
    shown = Text(f"{s.position}  {s.before or '—'} → {s.after or '—'}")
    sides = {column: after if s.after else before for column, (before, after) in s.values.items()}
    told = ", ".join(f"{column} {_short(value)}" for column, value in sides.items() if value is not None)
    return shown.append(f"\n  {hanging(told, 2)}", style="green" if s.after else "red")


def _short(value: object) -> str:
    said = to_text(value)
    return said if len(said) <= SHOWN else f"{said[:SHOWN]}…"
