"""What a replay changes: the published rows behind the fork point against those that its fork has made.

Rows of an ingest job are compared record by record: each has one position in its topic, and one home before
and after. Only records that both sides hold are compared; what the live job or the fork has read beyond is
no difference.

Rows of a derive job are compared by the keys of their tables, as both sides stand: what they are made of
cannot be told apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from headrace.errors import DecisionNeeded, UsageError
from headrace.job.program import Program
from headrace.lake import fork, patches
from headrace.lake.amend import amended, published_rows, read_rows
from headrace.lake.delta import Added
from headrace.lake.ledger import Ledger
from headrace.lake.manifests import Staged
from headrace.lake.patches import REDRIVE, Patch
from headrace.lake.positions import Positions
from headrace.lake.quarantine import discarded
from headrace.lake.query import to_json
from headrace.lake.replace import continued
from headrace.lake.replays import Replay, batch_of, state
from headrace.lake.rewritten import partition_of, standing
from headrace.lake.store import Warehouse
from headrace.lake.tables import all_at_batch, all_there
from headrace.table.outputs import Output

Rows = dict[str, pa.Table]
"""By output."""
Numbers = npt.NDArray[np.int64]

_OFFSETS = 48
"""Bits of a position's key below its partition: more offsets than a partition ever has."""
_TOLD_APART = ("contract_version",)
"""Columns that differ because the contract does: of every row, so they are no news."""


@dataclass(frozen=True)
class Sample:
    """One record or row that the replay changes."""

    position: str
    """Where it is in the topic; of a derived row, its key."""
    before: str
    """Its table; empty where there was no such row."""
    after: str
    """The same behind the replay."""
    values: dict[str, tuple[Any, Any]]
    """Where it stays in its table, what changes: column → before, after. Where it moves, all it is then."""


@dataclass(frozen=True)
class Diff:
    """Counts of records of an ingest job, or of rows of a derive job, and a few of them."""

    compared: int
    same: int
    moved: dict[str, int]
    """``flights__quarantine → flights``: how many records go there."""
    changed: dict[str, dict[str, int]]
    """Table → column → in how many rows its value changes."""
    lost: dict[str, int]
    """Table → rows that go; of an ingest job, records that its fork does not hold: there must be none."""
    added: dict[str, int]
    """Table → rows that come; of an ingest job, records that are not published: there must be none."""
    partitions: dict[str, dict[str, int]]
    """Partition of the topic, or of the table → rows compared, changed, moved (they come or go)."""
    samples: list[Sample] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        told = asdict(self)
        for sample in told["samples"]:
            sample["values"] = {c: [to_json(was), to_json(now)] for c, (was, now) in sample["values"].items()}
        return told


@all_there()
def diff(warehouse: Warehouse, ledger: Ledger, program: Program, replay: Replay, samples: int) -> Diff:
    """Compare what a replay would replace with what it would put there; published ones as they were then.

    Raises:
        UsageError: it never ran, or was given up.
        DecisionNeeded: its fork has not completed a checkpoint yet.
    """
    before, after = _sides(warehouse, ledger, program, replay)
    published = batch_of(ledger, replay.number)
    if not program.contract.derived:
        was = ledger.required("done", published - 1)["versions"] if published else {}
        old = {o.id: standing(warehouse, o, was.get(o.id), replay.frontier) for o in program.outputs}
        new = {o.id: read_rows(warehouse, o, _added(after.get(o.id, []))) for o in program.outputs}
        return compare(old, new, samples)
    base = fork.base(ledger, replay.fork)
    old, new = {}, {}
    for output in program.outputs:
        came = _added(after.get(output.id, []))
        if output.key:
            was = ledger.required("done", published - 1)["versions"].get(output.id) if published else None
            kept = _added(base.files.get(output.id, []))
            old[output.id] = published_rows(warehouse, output, was)
            new[output.id] = amended(warehouse, output, base.versions.get(output.id), [*kept, *came])
        else:
            old[output.id] = read_rows(warehouse, output, _added(before.get(output.id, [])))
            new[output.id] = read_rows(warehouse, output, came)
    return compare_keyed(old, new, {o.id: o for o in program.outputs}, samples)


@all_there()
def patch_diff(ledger: Ledger, program: Program, patch: Patch, samples: int) -> Diff:
    """Compare what a patch takes out of the tables with what it puts in; of a published one, as it was then.

    Raises:
        DecisionNeeded: it is not judged yet.
    """
    batch, warehouse = patches.batch_of(ledger.decisions(), patch.number), ledger.warehouse
    if batch:
        outputs = ledger.required("batches", batch)["outputs"]
        files = {o: out["files"] for o, out in outputs.items()}
    elif (judged := patches.judged_of(ledger, patch.number)) is not None:
        files = judged.files
    else:
        raise DecisionNeeded(
            f"{patch.name} is not judged yet",
            where=f"job {ledger.job}",
            remedy=f"headrace patch judge {ledger.job} {patch.number}",
        )
    new = {o.id: read_rows(warehouse, o, _added(files[o.id])) for o in program.outputs}
    own = Positions.gathered(_positions(rows).offsets for rows in new.values())
    was = (ledger.get("done", batch - 1) or {"versions": {}})["versions"] if batch else {}
    first = [o.id for o in program.outputs if batch and o.id not in was]
    old = {
        o.id: new[o.id].slice(0, 0) if o.id in first else standing(warehouse, o, was.get(o.id), own)
        for o in program.outputs
    }
    if patch.kind == REDRIVE and not batch:
        quarantine, data = program.outputs
        left = _positions(old[quarantine.id]).without(discarded(ledger))  # others may have been faster
        new[data.id] = _those(new[data.id], left)
        old = {o: _those(rows, _positions(new[data.id])) for o, rows in old.items()}
    return compare(old, new, samples, whole=True)


@all_there()
def between(ledger: Ledger, program: Program, first: int, last: int, samples: int) -> Diff:
    """Compare a job's tables as two batches left them; a file that both hold is counted, and not read.

    Raises:
        UsageError: the log of a table, or its files, no longer reach back so far.
    """
    names = [o.id for o in program.outputs]
    was, now = (all_at_batch(ledger.warehouse, ledger.job, names, n) for n in (first, last))
    shared, old, new = 0, {}, {}
    for output in program.outputs:
        before, after = _rows_by_file(was.get(output.id)), _rows_by_file(now.get(output.id))
        stay = before.keys() & after.keys()
        shared += sum(before[path] for path in stay)
        old[output.id], new[output.id] = (
            read_rows(
                ledger.warehouse,
                output,
                [Added(path, 0, partition_of(path), "") for path in sorted(side.keys() - stay)],
            )
            for side in (before, after)
        )
    if program.contract.derived:
        found = compare_keyed(old, new, {o.id: o for o in program.outputs}, samples)
    else:
        found = compare(old, new, samples, whole=True)
    return replace(found, compared=found.compared + shared, same=found.same + shared)


def _rows_by_file(table: DeltaTable | None) -> dict[str, int]:
    """Path of each file → its rows."""
    files = pa.table(table.get_add_actions()) if table else None
    return dict(zip(*(files[c].to_pylist() for c in ("path", "num_records")), strict=True)) if files else {}


def _positions(rows: pa.Table) -> Positions:
    return Positions.of_rows(rows["_partition"].to_numpy(), rows["_offset"].to_numpy())


def _those(rows: pa.Table, wanted: Positions) -> pa.Table:
    return rows.filter(pa.array(wanted.holds(rows["_partition"].to_numpy(), rows["_offset"].to_numpy())))


def compare_keyed(before: Rows, after: Rows, outputs: Mapping[str, Output], samples: int = 5) -> Diff:
    """Compare rows by their tables' keys; where a table has none, whole rows.

    Args:
        before: by output, all rows.
        after: the same outputs.
        outputs: what the tables are.
        samples: so many changed rows are shown.
    """
    total = Diff(0, 0, {}, {}, {}, {}, {}, [])
    compared = same = 0
    for name, output in outputs.items():
        old, new = _by_key(before[name], output), _by_key(after[name], output)
        parts = [c.name for c in output.columns if c.partition]
        for key in sorted(old.keys() | new.keys(), key=str):
            was, now = old.get(key, []), new.get(key, [])
            row = (now or was)[0]
            place = ", ".join(f"{name} {p}={row[p]}" for p in parts) or name
            count = total.partitions.setdefault(place, {"compared": 0, "changed": 0, "moved": 0})
            compared += max(len(was), len(now))
            count["compared"] += max(len(was), len(now))
            unlike = [c for c in row if was and now and was[0][c] != now[0][c]]
            if len(was) == len(now) and not unlike:
                same += len(was)
                continue
            count["changed" if unlike else "moved"] += abs(len(was) - len(now)) or 1
            for column in unlike:
                columns = total.changed.setdefault(name, {})
                columns[column] = columns.get(column, 0) + 1
            for side, many in ((total.lost, len(was) - len(now)), (total.added, len(now) - len(was))):
                if many > 0:
                    side[name] = side.get(name, 0) + many
            if len(total.samples) < samples:
                shown = unlike or [c for c in row if c not in output.key]
                values = {c: (was[0][c] if was else None, now[0][c] if now else None) for c in shown}
                told = " ".join(f"{k}={row[k]}" for k in output.key) or name
                total.samples.append(Sample(told, name if was else "", name if now else "", values))
    return replace(total, compared=compared, same=same)


def _by_key(rows: pa.Table, output: Output) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        found.setdefault(tuple(row[k] for k in output.key or row), []).append(row)
    return found


def _sides(
    warehouse: Warehouse, ledger: Ledger, program: Program, replay: Replay
) -> tuple[Mapping[str, Sequence[Mapping[str, Any]]], Mapping[str, Sequence[Mapping[str, Any]]]]:
    """Files by output: those behind the fork point, and those of the fork."""
    stands = state(ledger, replay.number)
    if stands in ("planned", "aborted"):
        raise UsageError(
            f"replay {replay.number} is {stands}: there is nothing to compare",
            remedy=f"headrace replay run {ledger.job} {replay.number}",
        )
    if number := batch_of(ledger, replay.number):
        batch = ledger.required("batches", number)
        return batch["removed"], {o: out["files"] for o, out in batch["outputs"].items()}
    staged = {o.id: Staged(warehouse, o.id).read() for o in program.outputs}
    _, found = continued(ledger, replay.fork, staged, replay.number)
    if found is None:
        raise DecisionNeeded(
            "the fork has not completed a checkpoint yet",
            where=f"job {ledger.job}, replay {replay.number}",
            remedy=f"headrace replay run {ledger.job} {replay.number}",
        )
    made = {
        output: [
            {"path": f.path, "size": f.size, "partition": f.partition, "statistics": ""}
            for m in manifests
            for f in m.files
        ]
        for output, manifests in found.manifests.items()
    }
    return fork.behind(ledger, replay.fork), made


def _added(files: Sequence[Mapping[str, Any]]) -> list[Added]:
    return [Added(f["path"], f["size"], f["partition"], f["statistics"]) for f in files]


@dataclass(frozen=True)
class _Side:
    """Every record of one side, in the order of positions."""

    rows: Rows
    keys: Numbers
    homes: Numbers
    """Which table."""
    places: Numbers
    """Which row of it."""

    @classmethod
    def of(cls, rows: Rows) -> _Side:
        keys = [_keys(table) for table in rows.values()]
        homes = [np.full(len(k), i) for i, k in enumerate(keys)]
        places = [np.arange(len(k)) for k in keys]
        every = np.concatenate(keys)
        order = np.argsort(every, kind="stable")
        return cls(rows, every[order], np.concatenate(homes)[order], np.concatenate(places)[order])

    def within(self, last: Mapping[int, int]) -> _Side:
        """Only records that lie before the other side's end."""
        partitions, offsets = self.keys >> _OFFSETS, self.keys & ((1 << _OFFSETS) - 1)
        kept = np.zeros(len(self.keys), dtype=bool)
        for partition, end in last.items():
            kept |= (partitions == partition) & (offsets <= end)
        return _Side(self.rows, self.keys[kept], self.homes[kept], self.places[kept])

    def ends(self) -> dict[int, int]:
        """Partition → the last offset."""
        partitions, offsets = self.keys >> _OFFSETS, self.keys & ((1 << _OFFSETS) - 1)
        return {int(p): int(offsets[partitions == p].max()) for p in np.unique(partitions)}


def compare(before: Rows, after: Rows, samples: int = 5, *, whole: bool = False) -> Diff:
    """Compare two sets of rows, record by record, as far as both reach.

    Args:
        before: by output, rows with ``_partition`` and ``_offset``.
        after: the same outputs.
        samples: so many changed records are shown.
        whole: both sides are all that is to be compared, however far each reaches.
    """
    old, new = _Side.of(before), _Side.of(after)
    if not whole:
        old, new = old.within(new.ends()), new.within(old.ends())
    names = list(before)
    both, at_old, at_new = np.intersect1d(old.keys, new.keys, return_indices=True)
    from_, to = old.homes[at_old], new.homes[at_new]
    moved = from_ != to
    changed, columns = _changes(old, new, at_old, at_new, moved)
    differs = moved | changed
    partitions = both >> _OFFSETS
    shown = np.flatnonzero(differs)[:samples]
    return Diff(
        compared=len(both),
        same=int((~differs).sum()),
        moved=dict(Counter(f"{names[a]} → {names[b]}" for a, b in zip(from_[moved], to[moved], strict=True))),
        changed=columns,
        lost=_counted("records", len(np.setdiff1d(old.keys, new.keys))),
        added=_counted("records", len(np.setdiff1d(new.keys, old.keys))),
        partitions={
            str(p): {
                "compared": int((partitions == p).sum()),
                "changed": int((changed & (partitions == p)).sum()),
                "moved": int((moved & (partitions == p)).sum()),
            }
            for p in np.unique(partitions)
        },
        samples=[_sample(old, new, int(at_old[i]), int(at_new[i])) for i in shown],
    )


def _counted(what: str, number: int) -> dict[str, int]:
    return {what: number} if number else {}


def _changes(
    old: _Side, new: _Side, at_old: Numbers, at_new: Numbers, moved: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], dict[str, dict[str, int]]]:
    """Which records stay in their table and have other values; and the count by table and column."""
    changed = np.zeros(len(at_old), dtype=bool)
    counts: dict[str, dict[str, int]] = {}
    for home, name in enumerate(old.rows):
        here = np.flatnonzero(~moved & (old.homes[at_old] == home))
        left = old.rows[name].take(old.places[at_old[here]])
        right = new.rows[name].take(new.places[at_new[here]])
        for column in left.schema.names:
            if column in _TOLD_APART:
                continue
            unlike = _unlike(left[column], right[column])
            if unlike.any():
                counts.setdefault(name, {})[column] = int(unlike.sum())
                changed[here[unlike]] = True
    return changed, counts


def _unlike(left: pa.ChunkedArray, right: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Where two columns differ; NULL is like NULL."""
    values = pc.fill_null(pc.not_equal(left, right), False)  # noqa: FBT003
    nulls = pc.xor(pc.is_null(left), pc.is_null(right))
    found: npt.NDArray[np.bool_] = pc.or_(values, nulls).to_numpy()
    return found


def _sample(old: _Side, new: _Side, at_old: int, at_new: int) -> Sample:
    names = list(old.rows)
    from_, to = names[old.homes[at_old]], names[new.homes[at_new]]
    left = old.rows[from_].slice(int(old.places[at_old]), 1).to_pylist()[0]
    right = new.rows[to].slice(int(new.places[at_new]), 1).to_pylist()[0]
    columns = [c for c in dict.fromkeys([*left, *right]) if c not in _TOLD_APART and not c.startswith("_")]
    values = {c: (left.get(c), right.get(c)) for c in columns if left.get(c) != right.get(c)}
    key = int(old.keys[at_old])
    return Sample(f"{key >> _OFFSETS}:{key & ((1 << _OFFSETS) - 1)}", from_, to, values)


def _keys(table: pa.Table) -> Numbers:
    partitions: Numbers = table["_partition"].to_numpy().astype(np.int64)
    offsets: Numbers = table["_offset"].to_numpy().astype(np.int64)
    return (partitions << _OFFSETS) | offsets
