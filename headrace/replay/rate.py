"""How fast a job reads, as far as its published batches show it.

A batch of records that arrived while the job ran shows how fast they were sent, which for an idle job is next
to nothing. Only where records had waited for the job does a batch show how fast it can read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, DONE, PublishBatch
from headrace.offsets import Offsets
from headrace.table.columns import TIME

BATCHES_READ = 100
"""How many of the last batches are read."""


def rate(ledger: Ledger, checkpoint_every: timedelta) -> int:
    """Offsets a second, in the fastest batch of records sent before the job started; 0 if none.

    Args:
        ledger: the job's.
        checkpoint_every: the time from one checkpoint to the next; a batch counts those with rows.
    """
    newest = ledger.newest(DONE)
    started = {claim.number: datetime.fromisoformat(claim.at) for claim in ledger.claims()}
    rates = [0]
    for number in range(max(1, newest - BATCHES_READ), newest + 1):
        batch = ledger.required(BATCHES, number)
        if not isinstance(batch, PublishBatch) or not _had_waited(batch, started[batch.claim]):
            continue
        before = ledger.required(BATCHES, number - 1).frontier if number > 1 else _first_offsets(ledger)
        offsets = sum(o - before.get(p, 0) for p, o in batch.frontier.items())
        rates.append(int(offsets / (_checkpoints(batch) * checkpoint_every.total_seconds())))
    return max(rates)


def _had_waited(batch: PublishBatch, started: datetime) -> bool:
    """Whether the newest record of a batch was sent before the job started."""
    newest = list(_times(batch))
    return bool(newest) and None not in newest and max(t for t in newest if t) < started


def _times(batch: PublishBatch) -> Iterator[datetime | None]:
    """The newest Kafka time of each file; None where its statistics have none."""
    for output in batch.outputs.values():
        for file in output.files:
            newest = json.loads(file.statistics)["maxValues"].get(TIME.name)
            yield datetime.fromisoformat(newest.replace("Z", "+00:00")) if newest else None


def _checkpoints(batch: PublishBatch) -> int:
    """How many of a batch's checkpoints have rows."""
    sealed = {m.id: m.checkpoint for out in batch.outputs.values() for m in out.manifests}
    return len({sealed[f.manifest] for out in batch.outputs.values() for f in out.files if f.manifest})


def _first_offsets(ledger: Ledger) -> Offsets:
    """Where the job began on its topic."""
    start = ledger.start()
    return start.offsets if start else {}
