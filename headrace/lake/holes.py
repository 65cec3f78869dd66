"""What `verify` takes from the ledger: how far a batch goes, and holes noted while Kafka could be asked.

The frontier is what makes a missing tail visible: tables alone go as far as their rows do.

A batch says which offsets had no record when it was published (markers, aborted records, compaction), and
which records were lost and accepted as lost. `verify` takes this word only for what is below the log start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from headrace.lake import _marks
from headrace.lake.ledger import Ledger, Record
from headrace.lake.manifests import READERS
from headrace.offsets import Span

KINDS = {"holes": "absent", "lost": "lost"}
"""Field of a batch → what it says of the offsets."""


def promised(ledger: Ledger) -> Callable[[int], dict[int, int]]:
    """``batch`` → the frontier that its ``done`` record names; empty where it is not done."""

    def read(batch: int) -> dict[int, int]:
        done = ledger.get("done", batch) or {}
        return {int(p): o for p, o in done.get("frontier", {}).items()}

    return read


def stood(
    ledger: Ledger,
) -> Callable[[int], tuple[dict[int, tuple[int, int]], dict[int, list[_marks.Range]]]]:
    """``batch`` → the topic's newest leader epochs then, and published offsets that it had lost by then."""

    def read(batch: int) -> tuple[dict[int, tuple[int, int]], dict[int, list[_marks.Range]]]:
        done = ledger.get("done", batch) or {}
        epochs = {int(p): (epoch, begins) for p, (epoch, begins) in done.get("epochs", {}).items()}
        lost: dict[int, list[_marks.Range]] = defaultdict(list)
        for span in map(Span.parse, done.get("tails", ())):
            lost[span.partition].append(_marks.Range(span.first, span.last))
        return epochs, lost

    return read


def noted(ledger: Ledger) -> Callable[[int], dict[str, dict[int, list[_marks.Range]]]]:
    """``batch`` → ``absent`` or ``lost`` → partition → the spans that batches up to that one noted."""

    def read(batch: int) -> dict[str, dict[int, list[_marks.Range]]]:
        with ThreadPoolExecutor(READERS) as pool:
            records = pool.map(lambda n: ledger.get("batches", n) or {}, range(1, batch + 1))
            return _gathered(list(records))

    return read


def _gathered(batches: list[Record]) -> dict[str, dict[int, list[_marks.Range]]]:
    found: dict[str, dict[int, list[_marks.Range]]] = {k: defaultdict(list) for k in KINDS.values()}
    for batch in batches:
        for field, kind in KINDS.items():
            for span in map(Span.parse, batch.get(field, ())):
                found[kind][span.partition].append(_marks.Range(span.first, span.last))
    return found
