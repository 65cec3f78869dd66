"""What `verify` takes from the ledger: how far a batch goes, and holes noted while Kafka could be asked.

The frontier is what makes a missing tail visible: tables alone go as far as their rows do.

A batch says which offsets had no record when it was published (markers, aborted records, compaction), and
which records were lost and accepted as lost. `verify` takes this word only for what is below the log start.
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
    """``batch`` → the frontier that its ``done`` record names; empty where it is not done."""

    def read(batch: int) -> Offsets:
        done = ledger.get(DONE, batch)
        return done.frontier if done else {}

    return read


def stood(ledger: Ledger) -> Callable[[int], tuple[dict[int, Epoch], dict[int, list[Range]]]]:
    """``batch`` → the topic's newest leader epochs then, and published offsets that it had lost by then."""

    def read(batch: int) -> tuple[dict[int, Epoch], dict[int, list[Range]]]:
        done = ledger.get(DONE, batch)
        return (done.epochs, _by_partition(done.tails)) if done else ({}, {})

    return read


def noted(ledger: Ledger) -> Callable[[int], Noted]:
    """``batch`` → ``absent`` or ``lost`` → partition → the spans that batches up to that one noted."""

    def read(batch: int) -> Noted:
        batches = each(lambda n: ledger.get(BATCHES, n), range(1, batch + 1))
        notes = [b.notes for b in batches if isinstance(b, (PublishBatch, ForkBatch))]
        return {
            "absent": _by_partition(span for n in notes for span in n.holes),
            "lost": _by_partition(span for n in notes for span in n.lost),
        }

    return read


def _by_partition(spans: Iterable[Span]) -> dict[int, list[Range]]:
    found: dict[int, list[Range]] = defaultdict(list)
    for span in spans:
        found[span.partition].append(Range(span.first, span.last))
    return found
