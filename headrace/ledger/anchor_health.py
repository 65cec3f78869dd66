"""Whether a replay could begin at an anchor now: its state, files it may commit again, Kafka's offsets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headrace.errors import UsageError
from headrace.ledger import anchors
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import StagedManifests
from headrace.ledger.records import BATCHES, Anchor
from headrace.offsets import Offsets
from headrace.savepoint.retained import missing_state_files, read_savepoint
from headrace.storage.warehouse import Warehouse


@dataclass(frozen=True)
class Health:
    """What was checked, and what is wrong; all is well when ``problems`` is empty."""

    state_files: int = 0
    data_files: int = 0
    problems: list[str] = field(default_factory=list)


def health_of(
    warehouse: Warehouse, ledger: Ledger, anchor: Anchor, log_start: Mapping[str, Offsets]
) -> Health:
    """Whether a replay could begin at an anchor now, and what it would miss.

    Args:
        warehouse: where all of it is.
        ledger: the job's.
        anchor: the anchor.
        log_start: per contract the first offset that Kafka still has; no entry for a recreated topic.
    """
    problems = ["it has expired"] if anchor.number in anchors.expired_numbers(ledger) else []
    state_files, missing = _state(warehouse, anchor)
    data_files = _data_files(warehouse, ledger, anchor)
    problems += missing
    if gone := [key for key in data_files if not warehouse.has(key)]:
        problems.append(f"{len(gone)} files whose commit it may repeat are gone, {gone[0]} among them")
    problems += _deleted_records(anchor, log_start)
    return Health(state_files, len(data_files), problems)


def _state(warehouse: Warehouse, anchor: Anchor) -> tuple[int, list[str]]:
    """How many files hold its state, and what is wrong with it."""
    try:
        savepoint = read_savepoint(warehouse, anchor.path)
    except UsageError as e:
        return 0, [e.what]
    state_files, problems = savepoint.state_files(), []
    if dict(savepoint.manifests) != anchor.manifests:
        problems.append("its address now holds another savepoint")
    if gone := missing_state_files(warehouse, savepoint):
        problems.append(f"{len(gone)} of its {len(state_files)} state files are gone, {gone[0]} among them")
    return len(state_files), problems


def _data_files(warehouse: Warehouse, ledger: Ledger, anchor: Anchor) -> list[str]:
    """Keys of the files of the manifests that it follows, as far as those are committed yet."""
    keys: list[str] = []
    for output, manifest in anchor.manifests.items():
        batch = ledger.published(output, manifest)
        if batch is None:
            staged = StagedManifests(warehouse, output).read().get(manifest)
            paths = [f.path for f in staged.files] if staged else []
        else:
            files = ledger.required(BATCHES, batch).outputs[output].files
            paths = [f.path for f in files if f.manifest == manifest]
        keys += [f"{output}/{path}" for path in paths]
    return keys


def _deleted_records(anchor: Anchor, log_start: Mapping[str, Offsets]) -> Iterable[str]:
    for contract, offsets in anchor.positions.items():
        starts = log_start.get(contract)
        if starts is None:
            yield f"the topic of {contract} was deleted or created again: its offsets mean other records"
            continue
        for partition, offset in sorted(offsets.items()):
            first = starts.get(partition, 0)
            if 0 <= offset < first:
                yield (
                    f"Kafka deleted what it would read: partition {partition} of {contract}"
                    f" begins at {first:,}, the anchor is at {offset:,}"
                )
