"""What is staged of a topic that is gone, or of offsets that it lost: an operator decides if it is published.

Kafka cannot tell any more which of these rows came out of the topic that the job began on. A decision names a
checkpoint, and is bound to the manifests up to there: whatever is sealed later is not meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from headrace.contract.model import ContractKind
from headrace.errors import DecisionNeeded, OtherColumnsError, UsageError
from headrace.ledger.branch import ManifestRange
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, DONE, AcceptTail, Claim, UndoDecision
from headrace.offsets import OffsetArray, Span
from headrace.publish.staged_files import ReadFile
from headrace.publish.topics import TopicChange


@dataclass(frozen=True)
class StagedTail:
    """What is staged and not published."""

    claim: int
    checkpoints: tuple[int, int]
    rows: int
    spans: tuple[Span, ...]
    """Per partition from its first offset to its last one; none where rows have no place in a topic."""
    fits: int | None
    """The last checkpoint up to which its offsets go on from what is published; None if not even one does."""

    @classmethod
    def of(
        cls,
        claim: int,
        found: ManifestRange,
        read: Mapping[str, Sequence[ReadFile]],
        frontier: Mapping[int, int],
    ) -> StagedTail:
        """The tail that these manifests and their files form, after that frontier."""
        files = [f for of_output in read.values() for f in of_output]
        reach: dict[int, tuple[int, int]] = {}
        for partition, offsets in ((p, o) for f in files for p, o in f.positions.items()):
            low, high = reach.get(partition, (int(offsets.min()), int(offsets.max())))
            reach[partition] = min(low, int(offsets.min())), max(high, int(offsets.max()))
        spans = tuple(Span(p, *ends) for p, ends in sorted(reach.items()))
        return cls(claim, found.checkpoints, sum(f.rows for f in files), spans, _fits(found, read, frontier))

    def __str__(self) -> str:
        first, last = self.checkpoints
        at = f": {', '.join(map(str, self.spans))}" if self.spans else ""
        return f"{self.rows:,} rows of checkpoints {first} to {last}{at}"


def _fits(
    staged: ManifestRange, read: Mapping[str, Sequence[ReadFile]], frontier: Mapping[int, int]
) -> int | None:
    """See :attr:`StagedTail.fits`. A new topic begins at 0, so its offsets may be below published ones."""
    reached, fits = dict(frontier), None
    for checkpoint, positions in sorted(_by_checkpoint(staged, read).items()):
        if any(int(offsets.min()) < reached.get(p, 0) for p, offsets in positions):
            break
        for p, offsets in positions:
            reached[p] = max(reached.get(p, 0), int(offsets.max()) + 1)
        fits = checkpoint
    return fits


def _by_checkpoint(
    staged: ManifestRange, read: Mapping[str, Sequence[ReadFile]]
) -> dict[int, list[tuple[int, OffsetArray]]]:
    """Checkpoint → partition and offsets of each of its files."""
    manifests = [(output, m) for output, of_output in staged.manifests.items() for m in of_output]
    sealed = {(output, f.path): m.checkpoint for output, m in manifests for f in m.files}
    positions: dict[int, list[tuple[int, OffsetArray]]] = {m.checkpoint: [] for _, m in manifests}
    for output, files in read.items():
        for file in files:
            positions[sealed[output, file.file.path]] += file.positions.items()
    return positions


def accepted_range(decisions: StandingDecisions, claim: Claim, found: ManifestRange) -> ManifestRange | None:
    """The part of a range that an operator decided to publish, or None."""
    for decision in reversed(decisions.tails):
        ends = decision.manifests.items()
        if decision.claim == claim.number and all(
            any(m.id == end for m in found.manifests[output]) for output, end in ends
        ):
            return _up_to(found, decision.checkpoint)
    return None


def accept_tail(ledger: Ledger, found: ManifestRange, tail: StagedTail, checkpoint: int, why: str) -> int:
    """Record that a tail is published up to a checkpoint; gives the decision's number.

    Raises:
        UsageError: it is not a checkpoint of the tail, or offsets up to there are below what is published.
    """
    sealed = {m.checkpoint for m in next(iter(found.manifests.values()))}
    if checkpoint not in sealed:
        raise UsageError(
            f"checkpoint {checkpoint} is not one of those that are not published:"
            f" {', '.join(map(str, sorted(sealed)[:20]))}",
            where=f"job {ledger.job}, claim {tail.claim}",
            remedy=f"headrace branch show {ledger.job} {tail.claim}",
        )
    if tail.fits is None or checkpoint > tail.fits:
        raise UsageError(
            f"rows up to checkpoint {checkpoint} have offsets below those that are published:"
            f" they came out of another topic. Staged: {tail}",
            where=f"job {ledger.job}, claim {tail.claim}",
            remedy=_leaving(ledger.job, tail),
        )
    ends = {o: ms[-1].id for o, ms in _up_to(found, checkpoint).manifests.items()}
    return ledger.decide(AcceptTail(why=why, claim=tail.claim, checkpoint=checkpoint, manifests=ends))


def withdraw_tail(ledger: Ledger, checkpoint: int, why: str) -> int:
    """Record that a tail is no longer accepted; gives the decision's number.

    Raises:
        UsageError: nothing is accepted up to that checkpoint, or it is published already.
    """
    standing = StandingDecisions.of(ledger.decisions()).tails
    decision = next((r for r in reversed(standing) if r.checkpoint == checkpoint), None)
    if decision is None:
        others = ", ".join(str(n) for n in sorted({r.checkpoint for r in standing})) or "none"
        raise UsageError(
            f"nothing is accepted up to checkpoint {checkpoint}; accepted are {others}",
            where=f"job {ledger.job}",
            remedy=f"headrace status {ledger.job} shows what is accepted",
        )
    if _decided(ledger, decision.manifests):
        raise UsageError(
            f"what was staged up to checkpoint {checkpoint} is already published",
            where=f"job {ledger.job}",
            remedy=f"the rows stay; headrace status {ledger.job} shows what is staged after them",
        )
    return ledger.decide(UndoDecision(why=why, undoes=decision.number))


def _decided(ledger: Ledger, manifests: Mapping[str, str]) -> bool:
    """Whether manifests are in a batch, also in one that is decided and not finished."""
    open_batch = ledger.get(BATCHES, ledger.newest(DONE) + 1)
    ids = {m.id for out in open_batch.outputs.values() for m in out.manifests} if open_batch else set()
    return any(m in ids or ledger.published(output, m) is not None for output, m in manifests.items())


def _up_to(found: ManifestRange, checkpoint: int) -> ManifestRange:
    return ManifestRange(
        {o: [m for m in ms if m.checkpoint <= checkpoint] for o, ms in found.manifests.items()}
    )


def other_topic(job: str, changes: Iterable[TopicChange], tail: StagedTail) -> DecisionNeeded:
    """A topic that the job reads is another one now, or none. Rows may be staged of either."""
    others = [c for c in changes if c.other]
    staged = (
        f"Not published, and their topic cannot be determined: {tail}" if tail.rows else "No row is staged"
    )
    first = _remedies(job, tail) if tail.rows else f"`headrace stop {job}`"
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
        remedy=f"{_remedies(job, tail)}, and after `headrace stop {job}` and"
        f" `headrace branch restart {job} --why TEXT` the next run reads on from the frontier",
        lost=[str(s) for s in lost],
        rows=tail.rows,
        checkpoints=list(tail.checkpoints),
    )


def deleted(job: str, topic: str, lost: Sequence[Span]) -> DecisionNeeded:
    """Retention was faster than the job. Below its start, a log does not even show where records were."""
    options = " ".join(f"--accept-loss {s}" for s in lost)
    return DecisionNeeded(
        f"Kafka deleted offsets before the job read them: {named(lost)}. Which of them held records, Kafka"
        " can no longer report",
        where=f"topic {topic}",
        remedy=f"if the records can be sent again, do that first; else"
        f" `headrace publish {job} {options} --why TEXT` accepts the loss",
        lost=[str(s) for s in lost],
    )


@contextmanager
def other_columns(job: str, found: ManifestRange, kind: ContractKind) -> Iterator[None]:
    """Where a file of a range was written under another contract, add a remedy that leaves its claim.

    Raises:
        OtherColumnsError: the same error, with that remedy.
    """
    try:
        yield
    except OtherColumnsError as e:
        manifests = [(output, m) for output, ms in found.manifests.items() for m in ms]
        claim = next(
            m.claim for output, m in manifests if any(f"{output}/{f.path}" == e.where for f in m.files)
        )
        e.remedy += f". Or leave it: {_leaving_file(job, claim, kind)}"
        raise


def _leaving_file(job: str, claim: int, kind: ContractKind) -> str:
    """The way past a staged file. To set its claim aside alone would leave no checkpoint to go on from."""
    whose = f"`headrace branch show {job} {claim}` shows whose submission this is, and after"
    if kind == "derive":
        return (
            f"{whose} `headrace stop {job}` and `headrace branch set-aside {job} {claim} --why TEXT` the next"
            f" start goes on from a savepoint that was taken before it: `headrace run {job} --savepoint PATH`"
        )
    return (
        f"{whose} `headrace stop {job}` and `headrace branch restart {job} --why TEXT` the next"
        f" `headrace run {job}` reads on from the frontier"
    )


def named(spans: Iterable[Span], most: int = 10) -> str:
    """The first of these spans, and how many more there are."""
    found = list(spans)
    return ", ".join(map(str, found[:most])) + (f" and {len(found) - most} more" if len(found) > most else "")


def _remedies(job: str, tail: StagedTail) -> str:
    if tail.fits is None:  # offsets that are published already: another topic's, so they cannot be taken
        return _leaving(job, tail)
    what = "these rows" if tail.fits == tail.checkpoints[1] else f"the rows up to checkpoint {tail.fits}"
    take = f"`headrace publish {job} --accept-tail {tail.fits} --why TEXT` publishes {what}"
    return f"{take}; {_leaving(job, tail)}"


def _leaving(job: str, tail: StagedTail) -> str:
    return f"`headrace branch set-aside {job} {tail.claim} --why TEXT` leaves them"


def lost_below_frontier(job: str, changes: Iterable[TopicChange]) -> DecisionNeeded:
    """The topic lost records that are published."""
    cut = [c for c in changes if c.lost]
    spans = [str(s) for c in cut for s in c.lost]
    return DecisionNeeded(
        "; ".join(map(str, cut)),
        where="an unclean leader election, or a broker that was restored from a copy",
        remedy=f"`headrace publish {job} {' '.join(f'--accept-loss {s}' for s in spans)} --why TEXT` goes on:"
        " the rows stay, what has these offsets now is not read, and `verify` names them",
        lost=spans,
    )
