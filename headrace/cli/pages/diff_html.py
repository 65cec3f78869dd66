"""One HTML page of a diff, self-contained, for a review."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from headrace.ledger.records import Replay
from headrace.read.text import to_text
from headrace.replay.compare import COUNTS, Diff, Sample

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .75rem; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #888; } td { border-bottom: 1px solid #ddd; }
.bar { display: inline-block; height: .7rem; background: #2a78b8; }
.was { color: #a33; } .is { color: #187a36; }
code { font-size: .9em; } p.why { font-size: 1.1rem; }
"""


def diff_page(job: str, replay: Replay, diff: Diff) -> str:
    """The page of one replay."""
    title = escape(f"{job}: replay {replay.number}")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head><body>
<h1>{title}</h1>
<p class="why">{escape(replay.why)}</p>
<p>From {escape(replay.origin)}, after batch {replay.fork.batch}; planned {escape(replay.at)}
by {escape(replay.by)}. {diff.compared:,} rows compared, {diff.same:,} of them the same.</p>
{_table(("what happens", "records", ""), _changes(diff))}
{_table(("partition", *COUNTS), _partitions(diff))}
<h2>Samples</h2>
{_table(("position", "table", "column", "before", "after"), (r for s in diff.samples for r in _sample(s)))}
</body></html>
"""


def _changes(diff: Diff) -> Iterable[tuple[str, ...]]:
    counts = {
        "stays as it is": diff.same,
        **{f"moves: {move}": n for move, n in sorted(diff.moved.items())},
        **{f"changes: {t}.{c}": n for t, columns in sorted(diff.changed.items()) for c, n in columns.items()},
        **{f"{t}: goes": n for t, n in diff.lost.items()},
        **{f"{t}: comes": n for t, n in diff.added.items()},
    }
    for what, number in counts.items():
        wide = 20 * number / max(diff.compared, 1)
        yield escape(what), f"{number:,}", f'<span class="bar" style="width:{wide:.2f}rem"></span>'


def _partitions(diff: Diff) -> Iterable[tuple[str, ...]]:
    for partition, n in diff.partitions.items():
        yield escape(partition), *(f"{n[k]:,}" for k in COUNTS)


def _sample(sample: Sample) -> Iterable[tuple[str, ...]]:
    moves = f"{sample.before or '—'} → {sample.after or '—'}"
    place = sample.before if sample.before == sample.after else moves
    for column, (before, after) in sample.values.items():
        yield (
            f"<code>{escape(sample.position)}</code>",
            escape(place),
            escape(column),
            f'<span class="was">{_value(before)}</span>',
            f'<span class="is">{_value(after)}</span>',
        )


def _value(value: Any) -> str:
    return f"<code>{escape(to_text(value))}</code>"


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML already."""
    head = "".join(f"<th>{escape(n)}</th>" for n in names)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"
