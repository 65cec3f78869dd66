"""Anchors on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from headrace.cli.layout import facts, fit_table, listing, moment
from headrace.ledger.records import Anchor
from headrace.operate.anchors import AnchorHealth, ExpiredAnchors


def table(anchors: Sequence[Anchor]) -> RenderableType:
    """One line per anchor."""
    numbers = ["anchor", "checkpoint", "batch"]
    shown = listing("anchor", "taken", "by", "checkpoint", "batch", "contract", "why", numbers=numbers)
    for a in anchors:
        shown.add_row(
            str(a.number), moment(a.at), a.by, str(a.checkpoint), str(a.batch), a.contract_version, a.why
        )
    return fit_table(shown, spare=["contract", "checkpoint"], prose="why")


def page(a: Anchor) -> Text:
    """What had been published and read at that point."""
    read = "; ".join(
        f"{contract} " + " ".join(f"{p}:{o:,}" for p, o in sorted(offsets.items()))
        for contract, offsets in a.positions.items()
    )
    lines = {
        f"anchor {a.number}": a.path,
        "taken": f"{moment(a.at)} by {a.by}" + (" (made by other means)" if a.adopted else ""),
        "why": a.why or "—",
        "follows": "\n".join(f"{o} {m}" for o, m in sorted(a.manifests.items())),
        "read up to": read or "—",
        "published then": f"batch {a.batch}, "
        + (", ".join(f"{t} version {v}" for t, v in a.versions.items()) or "nothing"),
        "contract": f"version {a.contract_version}, plan {a.plan[:12] or 'unknown'}, Flink {a.flink}",
    }
    return facts(lines)


def health_page(at: AnchorHealth) -> Text:
    """What prevents a replay from beginning there, or that nothing does."""
    health = at.health
    can_begin = (
        f"a replay can begin here: its state is complete ({health.state_files} files beside `_metadata`),"
        f" and so are the {health.data_files} data files that it may commit again"
    )
    return Text("\n".join(health.problems or [can_begin]))


def expire_sentence(done: ExpiredAnchors) -> str:
    """Which anchors have expired, and which were kept because something needs them."""
    kept = ", ".join(map(str, done.needed))
    return f"expired {', '.join(map(str, done.expired)) or 'none'}" + (
        f"; kept {kept}, which a replay or a start of the job needs" if kept else ""
    )
