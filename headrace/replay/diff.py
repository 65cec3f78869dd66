"""What a replay changes: the published rows after the fork point, compared with those of its fork.

Rows of an ingest job are compared record by record: each has one position in its topic, and one home before
and after. Only records that both sides hold are compared; what the live job or the fork has read further is
not a difference.

Rows of a derive job are compared by the keys of their tables, as both sides are now: nothing says which
records a row was made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from deltalake import DeltaTable

from headrace.delta.amend import amended_rows
from headrace.delta.commit import DeltaFile, delta_files
from headrace.errors import DecisionNeeded, UsageError
from headrace.files import Files
from headrace.job.program import Program
from headrace.ledger import fork, patches
from headrace.ledger.decisions import discarded_records
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifest_range import replay_range
from headrace.ledger.manifests import StagedManifests
from headrace.ledger.patches import REDRIVE
from headrace.ledger.records import BATCHES, DONE, ForkBatch, Patch, Replay
from headrace.ledger.replays import batch_of, state
from headrace.positions import Positions
from headrace.read.records import rows_of
from headrace.read.rows import published_rows, read_rows
from headrace.read.tables import missing_files_refused, tables_at_batch
from headrace.replay.compare import Diff, compare
from headrace.replay.compare_keyed import compare_keyed
from headrace.storage.warehouse import Warehouse
from headrace.table.outputs import Output


@missing_files_refused()
def replay_diff(warehouse: Warehouse, ledger: Ledger, program: Program, replay: Replay, samples: int) -> Diff:
    """Compare what a replay would replace with what it would put there; of a published one, as it was then.

    Raises:
        UsageError: it never ran, or was aborted.
        DecisionNeeded: its fork has not completed a checkpoint yet.
    """
    before, after = _sides(warehouse, ledger, program, replay)
    published = batch_of(ledger, replay.number)
    was = ledger.required(DONE, published - 1).versions if published > 1 else {}
    if program.contract.has_topic:
        old = {o.id: rows_of(warehouse, o, was.get(o.id), replay.frontier) for o in program.outputs}
        new = {o.id: read_rows(warehouse, o, _paths(after, o)) for o in program.outputs}
        return compare(old, new, samples)
    baseline = fork.baseline(ledger, replay.fork)
    old, new = {}, {}
    for output in program.outputs:
        added_files = after.get(output.id, [])
        if output.mode == "amend":
            was_at = was.get(output.id) if published else None
            kept = delta_files(baseline.files.get(output.id, ()))
            old[output.id] = published_rows(warehouse, output, was_at)
            new[output.id] = amended_rows(
                warehouse, output, baseline.versions.get(output.id), [*kept, *added_files]
            )
        else:
            old[output.id] = read_rows(warehouse, output, _paths(before, output))
            new[output.id] = read_rows(warehouse, output, _paths(after, output))
    return compare_keyed(old, new, {o.id: o for o in program.outputs}, samples)


@missing_files_refused()
def patch_diff(ledger: Ledger, program: Program, patch: Patch, samples: int) -> Diff:
    """Compare what a patch removes from the tables with what it adds; of a published one, as it was then.

    Raises:
        DecisionNeeded: it is not judged yet.
    """
    batch, warehouse = patches.batch_of(ledger.decisions(), patch.number), ledger.warehouse
    files = _patch_files(ledger, patch, batch)
    new = {o.id: read_rows(warehouse, o, [f.path for f in files[o.id]]) for o in program.outputs}
    own = Positions.union(_positions(rows).offsets for rows in new.values())
    versions = ledger.required(DONE, batch - 1).versions if batch > 1 else {}
    old = {}
    for output in program.outputs:
        unborn = batch and output.id not in versions
        before = versions.get(output.id)
        old[output.id] = new[output.id].slice(0, 0) if unborn else rows_of(warehouse, output, before, own)
    if patch.kind == REDRIVE and not batch:
        quarantine, data = program.outputs
        left = _positions(old[quarantine.id]).without(
            discarded_records(ledger)
        )  # another patch may have moved some
        new[data.id] = _select(new[data.id], left)
        old = {o: _select(rows, _positions(new[data.id])) for o, rows in old.items()}
    return compare(old, new, samples, whole=True)


def _patch_files(ledger: Ledger, patch: Patch, batch: int) -> Files:
    """By output, the files that a patch publishes, or has published by that batch."""
    if batch:
        return {o: out.files for o, out in ledger.required(BATCHES, batch).outputs.items()}
    judged = patches.judged_of(ledger, patch.number)
    if judged is None:
        raise DecisionNeeded(
            f"{patch.name} is not judged yet",
            where=f"job {ledger.job}",
            remedy=f"headrace patch judge {ledger.job} {patch.number}",
        )
    return judged.files


@missing_files_refused()
def batch_diff(ledger: Ledger, program: Program, first: int, last: int, samples: int) -> Diff:
    """Compare a job's tables as two batches left them; a file that both hold is counted, and not read.

    Raises:
        UsageError: the log of a table, or its files, no longer reach back so far.
    """
    names = [o.id for o in program.outputs]
    was, now = (tables_at_batch(ledger.warehouse, ledger.job, names, n) for n in (first, last))
    shared, old, new = 0, {}, {}
    for output in program.outputs:
        before, after = _rows_by_file(was.get(output.id)), _rows_by_file(now.get(output.id))
        stay = before.keys() & after.keys()
        shared += sum(before[path] for path in stay)
        old[output.id], new[output.id] = (
            read_rows(ledger.warehouse, output, sorted(side.keys() - stay)) for side in (before, after)
        )
    if program.contract.has_topic:
        changes = compare(old, new, samples, whole=True)
    else:
        changes = compare_keyed(old, new, {o.id: o for o in program.outputs}, samples)
    return replace(changes, compared=changes.compared + shared, same=changes.same + shared)


def _rows_by_file(table: DeltaTable | None) -> dict[str, int]:
    """Path of each file → its rows."""
    files = pa.table(table.get_add_actions()) if table else None
    return dict(zip(*(files[c].to_pylist() for c in ("path", "num_records")), strict=True)) if files else {}


def _positions(rows: pa.Table) -> Positions:
    return Positions.of_rows(rows["_partition"].to_numpy(), rows["_offset"].to_numpy())


def _select(rows: pa.Table, wanted: Positions) -> pa.Table:
    return rows.filter(pa.array(wanted.holds(rows["_partition"].to_numpy(), rows["_offset"].to_numpy())))


def _sides(
    warehouse: Warehouse, ledger: Ledger, program: Program, replay: Replay
) -> tuple[Mapping[str, list[DeltaFile]], Mapping[str, list[DeltaFile]]]:
    """Files by output: those after the fork point, and those of the fork."""
    _refuse_without_fork(ledger, replay.number)
    if number := batch_of(ledger, replay.number):
        batch = ledger.required(BATCHES, number)
        removed = batch.removed if isinstance(batch, ForkBatch) else {}
        return _added(removed), _added({o: out.files for o, out in batch.outputs.items()})
    staged = {o.id: StagedManifests(warehouse, o.id).read() for o in program.outputs}
    _, sealed = replay_range(ledger, replay.fork, staged, replay.number)
    if sealed is None:
        raise DecisionNeeded(
            "the fork has not completed a checkpoint yet",
            where=f"job {ledger.job}, replay {replay.number}",
            remedy=f"headrace replay run {ledger.job} {replay.number}",
        )
    made = {
        output: [DeltaFile(f.path, f.size, f.partition, "") for m in manifests for f in m.files]
        for output, manifests in sealed.manifests.items()
    }
    return _added(fork.files_after(ledger, replay.fork)), made


def _refuse_without_fork(ledger: Ledger, replay: int) -> None:
    """Refuse a replay that never ran, or was aborted."""
    now = state(ledger, replay)
    if now == "planned":
        remedy = f"headrace replay run {ledger.job} {replay}"
    elif now == "aborted":
        remedy = f"headrace replay show {ledger.job} {replay} says who aborted it, and why"
    else:
        return
    raise UsageError(f"replay {replay} is {now}: there is nothing to compare", remedy=remedy)


def _added(files: Files) -> dict[str, list[DeltaFile]]:
    return {output: delta_files(own) for output, own in files.items()}


def _paths(files: Mapping[str, Sequence[DeltaFile]], output: Output) -> list[str]:
    return [f.path for f in files.get(output.id, ())]
