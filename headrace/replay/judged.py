"""What the bounded job of a patch staged, read and checked: each record is in one output, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.delta.rewrite import write_rows
from headrace.errors import ConservationError, LedgerError
from headrace.files import StagedFile
from headrace.job.program import Program
from headrace.ledger import patches
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import StagedManifests, chain
from headrace.ledger.patches import REDRIVE
from headrace.ledger.records import JudgedPatch, Patch, Refusal
from headrace.ledger.stamp import now
from headrace.positions import Positions
from headrace.publish.staged_files import ReadFile, read_files
from headrace.replay import payloads
from headrace.table.columns import REPAIRED_BY
from headrace.table.outputs import Output


def check_and_record_judged(
    ledger: Ledger, program: Program, patch: Patch, submission: str, after: int
) -> JudgedPatch:
    """Check what a bounded job, submitted after batch ``after``, made of a patch, and record that.

    If the patch has a repair function, the data files are first written again, with the column that names the
    function in each repaired row; the job's own files are left unused.

    Raises:
        ConservationError: a record is in no output, or in two.
        LedgerError: its manifests do not form one chain.
    """
    judged = {o.id: _staged(ledger, o, submission) for o in program.outputs}
    if patch.input is not None:
        _refuse_incomplete(ledger, patch, judged)
    quarantine, data = program.outputs
    refused = _refused(ledger, quarantine, judged[quarantine.id])
    if patch.repair and patch.input:
        changed = payloads.repaired_positions(ledger.warehouse, patch.input)
        by = f"{patch.repair} ({patch.name})"
        judged[data.id] = _write_repaired_by(ledger, data, judged[data.id], changed, by, submission)
    if patch.kind == REDRIVE:  # what is refused again stays where it is, as it is
        judged[quarantine.id] = []
    return patches.store_judged(
        ledger,
        patch.number,
        JudgedPatch(
            submission=submission,
            after_batch=after,
            files={o: tuple(f.recorded() for f in files) for o, files in judged.items()},
            refused=refused,
            at=now(),
        ),
    )


def _staged(ledger: Ledger, output: Output, submission: str) -> list[ReadFile]:
    manifests = StagedManifests(ledger.warehouse, output.id, submission).read()
    if not manifests:
        raise LedgerError(
            "the bounded job has sealed nothing",
            where=f"{ledger.warehouse.table_uri(output.id)}, {submission}",
        )
    newest = max(manifests.values(), key=lambda m: m.checkpoint)
    walked, before = chain(manifests, newest.id, None)
    if before is not None or len(walked) != len(manifests):
        raise LedgerError(
            "the manifests of the bounded job do not form one chain",
            where=f"{ledger.warehouse.table_uri(output.id)}, {submission}",
        )
    files: list[StagedFile] = [f for m in walked for f in m.files]
    return read_files(ledger.warehouse, output.id, files, output.columns)


def _refuse_incomplete(ledger: Ledger, patch: Patch, outputs: Mapping[str, Sequence[ReadFile]]) -> None:
    """Refuse a result that lacks a record that the job was given, or holds one twice."""
    given = payloads.positions(ledger.warehouse, patch.input or "")
    judged = Positions.union(f.positions for files in outputs.values() for f in files)
    rows = sum(f.rows for files in outputs.values() for f in files)
    if lacking := given.without(judged):
        raise ConservationError(f"records were not judged: {lacking}", where=patch.name)
    if rows != len(given) or judged.without(given):
        raise ConservationError(f"{len(given):,} records became {rows:,} rows", where=patch.name)


def _refused(ledger: Ledger, output: Output, files: Sequence[ReadFile]) -> tuple[Refusal, ...]:
    """Reason, field, rule, count and an example; the most frequent first."""
    counts: Counter[tuple[str | None, ...]] = Counter()
    examples: dict[tuple[str | None, ...], str] = {}
    for file in files:
        rows = _rows(ledger, output, file.file.path)
        why = zip(*(rows[c].to_pylist() for c in ("reason", "field", "rule")), strict=True)
        where = zip(rows["_partition"].to_pylist(), rows["_offset"].to_pylist(), strict=True)
        for key, (partition, offset) in zip(why, where, strict=True):
            counts[key] += 1
            examples.setdefault(key, f"{partition}:{offset}")
    return tuple(
        Refusal(reason=key[0], field=key[1], rule=key[2], count=n, example=examples[key])
        for key, n in counts.most_common()
    )


def _write_repaired_by(
    ledger: Ledger, output: Output, files: Sequence[ReadFile], changed: Positions, by: str, submission: str
) -> list[ReadFile]:
    """Write the files again, with a column that names the function that repaired a row."""
    fresh = []
    for file in files:
        rows = _rows(ledger, output, file.file.path)
        theirs = changed.holds(rows["_partition"].to_numpy(), rows["_offset"].to_numpy())
        rows = rows.append_column(
            REPAIRED_BY.name, pa.array([by if t else None for t in theirs], pa.string())
        )
        place = file.file.partition
        added = write_rows(ledger.warehouse, output, place, rows, f"_staged/{submission}")
        fresh.append(StagedFile(path=added.path, size=added.size))
    return read_files(ledger.warehouse, output.id, fresh, output.columns)


def _rows(ledger: Ledger, output: Output, path: str) -> pa.Table:
    raw = pa.BufferReader(ledger.warehouse.read(f"{output.id}/{path}"))
    return pq.read_table(raw, partitioning=None)
