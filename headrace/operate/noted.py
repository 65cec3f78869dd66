"""What `verify` takes from the ledger: how far a batch goes, and holes recorded while Kafka showed them.

The frontier is what makes a missing tail visible: tables alone only reach as far as their rows.

A batch records which offsets had no record when it was published (markers, aborted records, compaction),
and which records were accepted as lost. `verify` relies on this only below the log start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, DONE, Epoch, ForkBatch, PublishBatch
from headrace.offsets import Offsets, Span
from headrace.storage.parallel import each
from headrace.verify.marks import Range

Noted = dict[str, dict[int, list[Range]]]
"""``absent`` or ``lost`` → partition → spans."""


def promised(ledger: Ledger) -> Callable[[int], Offsets]:
    """``batch`` → the frontier in its ``done`` record; empty if it is not done."""

    def read(batch: int) -> Offsets:
        done = ledger.get(DONE, batch)
        return done.frontier if done else {}

    return read


def stood(ledger: Ledger) -> Callable[[int], tuple[dict[int, Epoch], dict[int, list[Range]]]]:
    """``batch`` → the topic's newest leader epochs at that time, and published offsets that it had lost."""

    def read(batch: int) -> tuple[dict[int, Epoch], dict[int, list[Range]]]:
        done = ledger.get(DONE, batch)
        return (done.epochs, _by_partition(done.tails)) if done else ({}, {})

    return read


def noted(ledger: Ledger) -> Callable[[int], Noted]:
    """``batch`` → ``absent`` or ``lost`` → partition → the spans that batches up to that one recorded."""

    def read(batch: int) -> Noted:
        batches = each(lambda n: ledger.get(BATCHES, n), range(1, batch + 1))
        notes = [b.notes for b in batches if isinstance(b, (PublishBatch, ForkBatch))]
        return {
            "absent": _by_partition(span for n in notes for span in n.holes),
            "lost": _by_partition(span for n in notes for span in n.lost),
        }

    return read


def _by_partition(spans: Iterable[Span]) -> dict[int, list[Range]]:
    ranges: dict[int, list[Range]] = defaultdict(list)
    for span in spans:
        ranges[span.partition].append(Range(span.first, span.last))
    return ranges
