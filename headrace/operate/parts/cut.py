"""How far a derive job had come at a published batch, from the checkpoint at which the batch ends.

A checkpoint's manifests are the heads of the batch that took them. After these there may be manifests
without files: an idle job keeps taking checkpoints, and its tables do not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headrace.errors import NeverPublishedError, UsageError
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import StagedManifests, chain
from headrace.ledger.records import DONE, Manifest, TopicStart
from headrace.savepoint.metadata import Checkpoint, checkpoint_of
from headrace.savepoint.retained import checkpoint_folder, checkpoints_of_job
from headrace.storage.warehouse import Warehouse
from headrace.verify.conserved import Cut


def find(ledger: Ledger, outputs: Sequence[str], read: Ledger, batch: int | None = None) -> Cut:
    """The newest published batch whose checkpoint still exists, or the requested one.

    Args:
        ledger: the derive job's.
        outputs: all outputs of the job.
        read: the ledger of the ingest job of its first topic.
        batch: the batch; None for the newest possible.

    Raises:
        UsageError: nothing was published; no checkpoint of a batch is kept any more; or the published table
            that the job read does not reach as far.
    """
    warehouse, start = ledger.warehouse, ledger.start(read.job)
    if start is None or ledger.newest(DONE) == 0:
        raise UsageError(
            "nothing was published yet",
            where=f"{warehouse.uri}/{ledger.folder}",
            remedy=f"headrace run {ledger.job}; headrace publish {ledger.job}",
        )
    number, checkpoint = _at_batch(warehouse, ledger, outputs, batch)
    offsets = checkpoint.positions(start.topic)
    if unknown := sorted(start.offsets.keys() - offsets.keys()):
        raise UsageError(
            f"the checkpoint does not show how far partition {unknown[0]} of {start.topic} was read",
            where=checkpoint.path,
            remedy="a subtask's positions must fit in 20 kB to be in _metadata: raise the parallelism",
        )
    # An offset below 0 is not known yet: nothing was read.
    read_to = {p: max(o, start.offsets.get(p, 0)) for p, o in sorted(offsets.items())}
    watermarks = _watermarks(checkpoint, outputs, ledger.job)
    cut = Cut(number, checkpoint.path, start.offsets, read_to, watermarks)
    _require_published(read, start, cut)
    return cut


def _watermarks(checkpoint: Checkpoint, outputs: Sequence[str], job: str) -> dict[str, int]:
    """The watermark of each output at a checkpoint."""
    by_output = checkpoint.watermarks()
    if not by_output.keys() >= set(outputs):
        raise UsageError(
            "the checkpoint does not show how far event time had come: an older version of headrace took it",
            where=checkpoint.path,
            remedy=f"headrace stop {job}; headrace run {job}; headrace publish {job}; then verify again",
        )
    return by_output


def _at_batch(
    warehouse: Warehouse, ledger: Ledger, outputs: Sequence[str], batch: int | None
) -> tuple[int, Checkpoint]:
    """The batch, and a checkpoint at which the outputs are its tables."""
    # In this order, so that whatever is published meanwhile is in a batch that the loop sees.
    kept = sorted(_with_outputs(checkpoints_of_job(warehouse, ledger.job), outputs), reverse=True)
    staged = {output: StagedManifests(warehouse, output).read() for output in outputs}
    oldest = kept[-1].number if kept else 0
    number = batch or ledger.newest(DONE)
    while kept and (done := ledger.get(DONE, number)):
        if same := next((c for c in kept if _same_rows(c, done.heads, staged)), None):
            return number, same
        if batch or max(map(checkpoint_of, done.heads.values())) < oldest:
            break
        number -= 1
    job = ledger.job
    raise UsageError(
        f"no checkpoint of {f'batch {batch}' if batch else 'a published batch'} is kept any more:"
        " how far the job had read is not known",
        where=f"{warehouse.uri}/{checkpoint_folder(job, '')}",
        remedy=f"headrace stop {job}; headrace publish {job}; then verify again. While the job runs, publish"
        f" before three more checkpoints are taken: headrace publish {job} --follow",
    )


def _with_outputs(checkpoints: Iterable[Checkpoint], outputs: Sequence[str]) -> list[Checkpoint]:
    """Those of the job, of any submission: the manifests show where one belongs."""
    return [c for c in checkpoints if {output for output, _ in c.manifests} == set(outputs)]


def _same_rows(
    checkpoint: Checkpoint, heads: Mapping[str, str], staged: Mapping[str, Mapping[str, Manifest]]
) -> bool:
    """Whether the outputs at a checkpoint are those at the heads: the same, or without files since."""
    for output, newest in checkpoint.manifests:
        walked, reached = chain(staged[output], newest, heads[output])
        if reached != heads[output] or any(m.files for m in walked):
            return False
    return True


def _require_published(ingest: Ledger, derived: TopicStart, cut: Cut) -> None:
    """Require everything that the derive job read in the published table: other rows would seem surplus."""
    start, frontier, table = ingest.start(), ingest.head().frontier, ingest.job
    publish = f"headrace publish {table}, once the ingest job {table} has read as far"
    if start is None or not frontier:
        raise NeverPublishedError(table, where=f"{ingest.warehouse.uri}/{ingest.folder}")
    if start.topic_id != derived.topic_id:
        raise UsageError(
            f"the derive job and table {table} do not come from the same topic",
            where=f"topic ids {derived.topic_id} and {start.topic_id}",
            remedy="one of the topics was deleted and created again: nothing can be compared",
        )
    table_begun = start.offsets
    for partition, position in cut.positions.items():
        first, reach = cut.starts.get(partition, 0), frontier.get(partition, 0)
        if position > max(first, reach):
            raise UsageError(
                f"the job has read further than table {table} is published",
                where=f"partition {partition}: {position:,} read, {reach:,} published",
                remedy=publish,
            )
        if first < min(position, table_begun.get(partition, 0)):
            raise UsageError(
                f"table {table} begins after the first rows that the job has read: they have no home in it",
                where=f"partition {partition}: from {table_begun[partition]:,}, read from {first:,}",
                remedy=f"these rows cannot be counted: next time, start {table} first",
            )
