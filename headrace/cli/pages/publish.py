"""What was published, in a sentence."""

from __future__ import annotations

from headrace.operate.accept import LossDecision, TailDecision
from headrace.operate.publish import Publication
from headrace.text import counted


def publish_sentence(publication: Publication) -> str:
    """The result of one call."""
    done, job = publication.published, publication.job
    if done.empty:
        return f"batch {done.head.batch} without rows: {done.empty}"
    if done.batches:
        written = {o: n for o, n in done.written.items() if n}
        tables = [
            f"{counted(n, 'row')} written to {o}, which holds {done.head.rows[o]:,}"
            for o, n in written.items()
        ]
        return (
            f"batch {done.head.batch}: {'; '.join(tables) or 'it was decided earlier, and is finished now'}"
        )
    if done.waiting_for is not None:
        claim = done.waiting_for
        return (
            f"nothing published: waiting for the first checkpoint of the job's start {claim} (claim {claim})"
        )
    if not done.head.batch:
        return (
            f"nothing is published yet: job {job} has staged nothing that publish takes."
            f" `headrace run {job}` starts it if it is not running"
        )
    return f"nothing new since batch {done.head.batch}"


def loss_sentence(done: LossDecision) -> str:
    """The decision that was recorded."""
    effect = "no longer accepts" if done.undone else "accepts"
    return f"decision {done.decision}: {effect} the loss of {' '.join(map(str, done.spans))}"


def tail_sentence(done: TailDecision) -> str:
    """The decision that was recorded."""
    effect = "no longer accepts" if done.undone else "accepts"
    return f"decision {done.decision}: {effect} what is staged up to checkpoint {done.checkpoint}"
