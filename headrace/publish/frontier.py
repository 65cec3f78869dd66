"""How a batch continues the frontier of an ingest job, without hole or overlap (G1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from headrace.errors import ConservationError
from headrace.ledger.fork import before_batch, own_files
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import (
    DONE,
    ForkPoint,
)
from headrace.offsets import OffsetArray, Offsets, Span
from headrace.publish.staged_files import read_files
from headrace.storage.warehouse import Warehouse
from headrace.table.outputs import Output


def frontier_at(warehouse: Warehouse, ledger: Ledger, outputs: Sequence[Output], fork: ForkPoint) -> Offsets:
    """Per partition, the offset up to which an ingest job is published at the fork point."""
    start = ledger.start()
    first = start.offsets if start else {}
    if not fork.batch:
        return first
    done = ledger.required(DONE, fork.batch)
    if done.heads == fork.manifests:
        return first | done.frontier
    reached = frontier_at(warehouse, ledger, outputs, before_batch(ledger, fork.batch))
    files = own_files(ledger, fork)
    read = [
        f.positions
        for output in outputs
        for f in read_files(
            warehouse,
            output.id,
            [f.staged for f in files.get(output.id, ())],
            output.columns,
        )
    ]
    return reached | continue_frontier(ledger.job, reached, first, read).frontier


@dataclass(frozen=True)
class Continuation:
    """How a batch continues the frontier."""

    frontier: Offsets
    holes: tuple[Span, ...]


def continue_frontier(
    job: str, frontier: Offsets, start: Offsets, positions: Iterable[dict[int, OffsetArray]]
) -> Continuation:
    """Check that all offsets of a batch continue the frontier, and name the holes.

    Args:
        job: whose batch it is, for the message.
        frontier: per partition the next offset to publish.
        start: where the job began; a partition that came later begins at 0.
        positions: offsets by partition, of all files of all outputs.

    Raises:
        ConservationError: an offset is below the frontier, or stands in two rows.
    """
    union: dict[int, list[OffsetArray]] = {}
    for by_partition in positions:
        for partition, offsets in by_partition.items():
            union.setdefault(partition, []).append(offsets)
    after = dict(frontier)
    holes: list[Span] = []
    for partition, parts in sorted(union.items()):
        offsets = np.sort(np.concatenate(parts))
        expected = frontier.get(partition, start.get(partition, 0))
        _refuse_overlap(job, partition, offsets, expected)
        holes += _holes(partition, offsets, expected)
        after[partition] = int(offsets[-1]) + 1
    return Continuation(after, tuple(holes))


def _refuse_overlap(job: str, partition: int, offsets: OffsetArray, expected: int) -> None:
    doubled = np.unique(offsets[1:][offsets[1:] == offsets[:-1]])
    below = offsets[offsets < expected]
    for wrong, what in ((below, "are published already"), (doubled, "are in two rows")):
        if wrong.size:
            named = ", ".join(f"{partition}:{o}" for o in wrong[:5])
            raise ConservationError(
                f"{wrong.size} offsets {what}: {named}{' …' if wrong.size > 5 else ''}",  # noqa: PLR2004
                where=f"partition {partition}, frontier {expected}",
                remedy=f"nothing was published; `headrace branch ls {job}` shows whose manifests these are",
                partition=partition,
                offsets=[int(o) for o in wrong[:100]],
            )


def _holes(partition: int, offsets: OffsetArray, expected: int) -> list[Span]:
    with_start = np.concatenate([np.array([expected - 1]), offsets])
    gaps = np.flatnonzero(np.diff(with_start) > 1)
    return [Span(partition, int(with_start[i]) + 1, int(with_start[i + 1]) - 1) for i in gaps]
