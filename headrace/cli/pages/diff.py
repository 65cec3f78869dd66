"""A comparison of rows on a terminal: counts, partitions, samples."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from headrace.cli.layout import fit_table, hang_lines, listing
from headrace.read.text import to_text
from headrace.replay.compare import COUNTS, Diff, Sample

SHOWN = 120
"""Characters shown of a value of a record that comes, goes or moves; JSON has all of them."""


def diff_tables(diff: Diff) -> Group:
    """What changes, by table and column, by partition, and some records."""
    changes = listing("records", "what", numbers=["records"])
    changes.add_row(f"{diff.same:,}", "the same")
    for move, number in sorted(diff.moved.items()):
        changes.add_row(f"{number:,}", move)
    for table, columns in sorted(diff.changed.items()):
        for column, number in columns.items():
            changes.add_row(f"{number:,}", f"{table}.{column} changes")
    for what, counts in (("gone", diff.lost), ("come", diff.added)):
        for table, number in counts.items():
            changes.add_row(f"{number:,}", f"{table}: {what}")
    parts = listing("partition", *COUNTS, numbers=["partition", *COUNTS])
    for partition, n in diff.partitions.items():
        parts.add_row(str(partition), *(f"{n[k]:,}" for k in COUNTS))
    samples = [Text(), *map(_sample, diff.samples)] if diff.samples else []
    return Group(fit_table(changes), *([Text(), fit_table(parts)] if diff.partitions else []), *samples)


def _sample(s: Sample) -> Text:
    """The values that change in a record that stays; the record itself, if it comes, goes or moves."""
    if s.before == s.after:
        shown = Text(f"{s.position}  {s.before}")
        for column, (before, after) in s.values.items():
            shown.append(f"\n  {column}: ", style="dim")
            shown.append(to_text(before), style="red").append(" → ").append(to_text(after), style="green")
        return shown
    shown = Text(f"{s.position}  {s.before or '—'} → {s.after or '—'}")
    sides = {column: after if s.after else before for column, (before, after) in s.values.items()}
    values = ", ".join(f"{column} {_short(value)}" for column, value in sides.items() if value is not None)
    return shown.append(f"\n  {hang_lines(values, 2)}", style="green" if s.after else "red")


def _short(value: object) -> str:
    text = to_text(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
