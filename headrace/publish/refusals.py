"""Why publish stops on a topic that changed or a file that does not fit, and what an operator can do.

Kafka can no longer show which staged rows came from the topic the job started on, or what it deleted: these
are the errors that name what is concerned, and the commands that decide about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from headrace.errors import DecisionNeeded, OtherColumnsError
from headrace.ledger.manifest_range import ManifestRange
from headrace.offsets import Span, span_list
from headrace.publish.tail import StagedTail
from headrace.publish.topics import TopicChange


def other_topic(job: str, changes: Iterable[TopicChange], tail: StagedTail) -> DecisionNeeded:
    """A topic that the job reads is another one now, or none. Rows may be staged of either."""
    others = [c for c in changes if c.other]
    staged = (
        f"Not published, and their topic cannot be determined: {tail}" if tail.rows else "No row is staged"
    )
    first = _take_or_leave(job, tail) if tail.rows else f"`headrace stop {job}`"
    return DecisionNeeded(
        f"{'; '.join(map(str, others))}. {staged}",
        where="; ".join(f"topic id {c.id or 'none'}, the job began on {c.was}" for c in others),
        remedy=f"{first}. What the topic holds now needs a contract and a table of its own",
        topics=[c.topic for c in others],
        rows=tail.rows,
        offsets=[str(s) for s in tail.spans],
        checkpoints=list(tail.checkpoints),
    )


def beyond_end(job: str, topic: str, lost: Sequence[Span], tail: StagedTail) -> DecisionNeeded:
    """Rows are staged whose offsets the topic does not hold any more."""
    return DecisionNeeded(
        f"topic {topic} lost offsets that were read and are not published:"
        f" {', '.join(map(str, lost))}. New records may get them. Staged: {tail}",
        where=f"job {job}, claim {tail.claim}",
        remedy=f"{_take_or_leave(job, tail)}, and after `headrace stop {job}` and"
        f" `headrace branch restart {job} --why TEXT` the next run reads on from the frontier",
        lost=[str(s) for s in lost],
        rows=tail.rows,
        checkpoints=list(tail.checkpoints),
    )


def deleted(job: str, topic: str, lost: Sequence[Span]) -> DecisionNeeded:
    """Retention was faster than the job. Below its start, a log does not even show where records were."""
    options = " ".join(f"--accept-loss {s}" for s in lost)
    return DecisionNeeded(
        f"Kafka deleted offsets before the job read them: {span_list(lost)}. Kafka can no longer"
        " report which of them held records",
        where=f"topic {topic}",
        remedy=f"if the records can be sent again, do that first; else"
        f" `headrace publish {job} {options} --why TEXT` accepts the loss",
        lost=[str(s) for s in lost],
    )


def lost_below_frontier(job: str, changes: Iterable[TopicChange]) -> DecisionNeeded:
    """The topic lost records that are published."""
    changed = [c for c in changes if c.lost]
    spans = [str(s) for c in changed for s in c.lost]
    return DecisionNeeded(
        "; ".join(map(str, changed)),
        where="an unclean leader election, or a broker that was restored from a copy",
        remedy=f"`headrace publish {job} {' '.join(f'--accept-loss {s}' for s in spans)} --why TEXT`"
        " continues: published rows stay; new records at these offsets are not read, and `verify` names them",
        lost=spans,
    )


def _take_or_leave(job: str, tail: StagedTail) -> str:
    """The commands that decide about a tail."""
    if tail.fits is None:  # offsets that are published already: another topic's, so they cannot be taken
        return leave_tail(job, tail)
    what = "these rows" if tail.fits == tail.checkpoints[1] else f"the rows up to checkpoint {tail.fits}"
    take = f"`headrace publish {job} --accept-tail {tail.fits} --why TEXT` publishes {what}"
    return f"{take}; {leave_tail(job, tail)}"


def leave_tail(job: str, tail: StagedTail) -> str:
    """The command that leaves a tail unpublished."""
    return f"`headrace branch set-aside {job} {tail.claim} --why TEXT` leaves them"


@contextmanager
def with_way_out(job: str, staged: ManifestRange, *, has_state: bool) -> Iterator[None]:
    """Where a file of a range was written under another contract, add a remedy that leaves its claim.

    Raises:
        OtherColumnsError: the same error, with that remedy.
    """
    try:
        yield
    except OtherColumnsError as e:
        manifests = [(output, m) for output, ms in staged.manifests.items() for m in ms]
        claim = next(
            m.claim for output, m in manifests if any(f"{output}/{f.path}" == e.where for f in m.files)
        )
        e.remedy += f". Or leave it: {_leave_file(job, claim, has_state=has_state)}"
        raise


def _leave_file(job: str, claim: int, *, has_state: bool) -> str:
    """The way past a staged file. To set its claim aside alone would leave no checkpoint to go on from."""
    whose = f"`headrace branch show {job} {claim}` shows whose submission this is, and after"
    if has_state:
        return (
            f"{whose} `headrace stop {job}` and `headrace branch set-aside {job} {claim} --why TEXT` the next"
            f" start goes on from a savepoint that was taken before it: `headrace run {job} --savepoint PATH`"
        )
    return (
        f"{whose} `headrace stop {job}` and `headrace branch restart {job} --why TEXT` the next"
        f" `headrace run {job}` reads on from the frontier"
    )
