"""Quarantined records on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from headrace.cli.layout import fit_table, listing, moment
from headrace.operate.quarantine import DiscardDecision
from headrace.read.quarantine import QuarantinedRecord, ReasonCount
from headrace.read.text import to_text
from headrace.text import counted

SPANS_SHOWN = 10


def table(reasons: Sequence[ReasonCount]) -> Group:
    """One line per reason, however narrow the terminal; first and last time if there is room."""
    numbers = ["records", *(["discarded"] if any(r.discarded for r in reasons) else [])]
    names = (*numbers, "reason", "field or rule", "example", "last", "first")
    shown = listing(*names, numbers=[*numbers, "example"])
    for r in reasons:
        counts = [f"{r.count:,}", f"{r.discarded:,}"][: len(numbers)]
        place = ", ".join(to_text(v) for v in (r.field, r.rule) if v is not None)
        shown.add_row(*counts, to_text(r.reason), place, r.example, moment(r.last), moment(r.first))
    records = counted(sum(r.count for r in reasons), "record")
    total = Text(f"{records} in quarantine, {counted(len(reasons), 'reason')}")
    return Group(fit_table(shown, spare=["first", "last"], prose="field or rule"), total)


def page(records: Sequence[QuarantinedRecord], size: int) -> Group:
    """Records one below the other, payloads cut after ``size`` bytes."""
    return Group(*(_record(r, size) for r in records), Text(counted(len(records), "record")))


def discard_sentence(done: DiscardDecision) -> str:
    """The decision that was recorded, and how to undo it."""
    texts = [str(s) for s in done.spans]
    effect = "discarded" if done.undoes is None else "no longer discarded"
    line = f"decision {done.decision}: {counted(done.records, 'record')} {effect}: "
    line += " ".join(texts[:SPANS_SHOWN])
    if len(texts) > SPANS_SHOWN:
        line += f" and {len(texts) - SPANS_SHOWN} more ranges"
    if done.undoes is None:
        line += f"\nundo: headrace quarantine discard {done.contract} --undo {done.decision} --why TEXT"
    return line


def _record(record: QuarantinedRecord, size: int) -> Text:
    why = " ".join(to_text(v) for v in (record.reason, record.field, record.rule) if v is not None)
    at = to_text(record.kafka_time) if record.kafka_millis is None else f"{record.kafka_millis} ms"
    text = Text(f"{record.position}  {at}  ")
    return text.append(why, style="yellow").append(f"\n  {record.text(size)}")
