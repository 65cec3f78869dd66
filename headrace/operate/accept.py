"""Accept what publish refuses: records that Kafka deleted before they were read, or rows of a lost topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.errors import UsageError
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifest_range import ManifestRange
from headrace.ledger.records import BATCHES, DONE, AcceptLoss, AcceptTail, UndoDecision
from headrace.offsets import Span
from headrace.operate.parts.reason import require_reason
from headrace.operate.workspace import Workspace
from headrace.publish.publisher import Publisher
from headrace.publish.refusals import leave_tail
from headrace.publish.tables import JobTables
from headrace.publish.tail import StagedTail
from headrace.publish.topics import query_topics


@dataclass(frozen=True)
class LossDecision:
    """A recorded decision about offsets that Kafka deleted before they were read."""

    decision: int
    """Its number."""
    spans: tuple[Span, ...]
    undone: bool
    """Whether it undid an earlier decision."""

    def to_json(self) -> dict[str, Any]:
        """As one object."""
        return {
            "decision": self.decision,
            "spans": [str(s) for s in self.spans],
            "undone": self.undone,
        }


@dataclass(frozen=True)
class TailDecision:
    """A recorded decision about staged rows whose topic is gone or was recreated."""

    decision: int
    """Its number."""
    checkpoint: int
    """Publish takes rows up to this one."""
    undone: bool
    """Whether it undid an earlier decision."""

    def to_json(self) -> dict[str, Any]:
        """As one object."""
        return {"decision": self.decision, "checkpoint": self.checkpoint, "undone": self.undone}


def accept_loss(
    workspace: Workspace, job: str, spans: Sequence[Span], why: str, *, undo: bool = False
) -> LossDecision:
    """Record that publish continues without offsets that are lost; or, with ``undo``, that it does not.

    Raises:
        UsageError: there is no such job, no span or reason; Kafka still shows what is there; or there is no
            such decision to undo, or records after the loss are already published.
    """
    tables = workspace.job(job).tables
    if not spans:
        raise UsageError(
            "--undo needs --accept-loss P:FROM-TO",
            remedy=f"headrace status {job} lists the accepted losses, exactly as they were accepted",
        )
    require_reason(why)
    if undo:
        return _undo_loss(tables.ledger, spans, why)
    _refuse_kept(tables, spans)
    number = tables.ledger.record_decision(AcceptLoss(why=why, spans=tuple(spans)))
    return LossDecision(number, tuple(spans), undone=False)


def _refuse_kept(tables: JobTables, spans: Sequence[Span]) -> None:
    """Refuse a loss of offsets that Kafka can still account for."""
    ledger, source, contract = tables.ledger, tables.source, tables.contract
    start = ledger.start()
    known = [lost for change in query_topics(source, ledger, ledger.head()).changes for lost in change.lost]
    unknown = [span for span in spans if not any(k.covers(span) for k in known)]
    verdicts = source.holes(start.topic if start else contract.topic, unknown) if unknown else {}
    if kept := [span for span in unknown if verdicts[span] != "lost"]:
        raise UsageError(
            f"{kept[0]} is not lost: Kafka still shows what is there",
            where=f"topic {contract.topic}",
            remedy=f"headrace publish {contract.id} names what is lost",
        )


def accept_tail(
    workspace: Workspace, job: str, checkpoint: int, why: str, *, undo: bool = False
) -> TailDecision:
    """Record that staged rows are published although their topic is gone; or, with ``undo``, that they wait.

    Raises:
        UsageError: there is no such job or reason, nothing is staged up to that checkpoint, or there is no
            such decision to undo.
    """
    publisher = Publisher(workspace.job(job).tables)
    require_reason(why)
    ledger = publisher.tables.ledger
    if undo:
        return TailDecision(record_withdrawn_tail(ledger, checkpoint, why), checkpoint, undone=True)
    number = record_accepted_tail(ledger, *publisher.staged_tail(), checkpoint, why)
    return TailDecision(number, checkpoint, undone=False)


def record_accepted_tail(
    ledger: Ledger, staged: ManifestRange, tail: StagedTail, checkpoint: int, why: str
) -> int:
    """Record that a tail is published up to a checkpoint; gives the decision's number.

    Raises:
        UsageError: it is not a checkpoint of the tail, or offsets up to there are below what is published.
    """
    sealed = {m.checkpoint for m in next(iter(staged.manifests.values()))}
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
            remedy=leave_tail(ledger.job, tail),
        )
    ends = {o: ms[-1].id for o, ms in staged.up_to(checkpoint).manifests.items()}
    return ledger.record_decision(
        AcceptTail(why=why, claim=tail.claim, checkpoint=checkpoint, manifests=ends)
    )


def record_withdrawn_tail(ledger: Ledger, checkpoint: int, why: str) -> int:
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
    if _is_decided(ledger, decision.manifests):
        raise UsageError(
            f"what was staged up to checkpoint {checkpoint} is already published",
            where=f"job {ledger.job}",
            remedy=f"the rows stay; headrace status {ledger.job} shows what is staged after them",
        )
    return ledger.record_decision(UndoDecision(why=why, undoes=decision.number))


def _is_decided(ledger: Ledger, manifests: Mapping[str, str]) -> bool:
    """Whether manifests are in a batch, also in one that is decided and not finished."""
    open_batch = ledger.get(BATCHES, ledger.newest(DONE) + 1)
    ids = {m.id for out in open_batch.outputs.values() for m in out.manifests} if open_batch else set()
    return any(m in ids or ledger.published(output, m) is not None for output, m in manifests.items())


def _undo_loss(ledger: Ledger, spans: Sequence[Span], why: str) -> LossDecision:
    standing = [d for d in StandingDecisions.of(ledger.decisions()).losses if list(d.spans) == list(spans)]
    frontier = ledger.head().frontier
    if not standing or any(frontier.get(s.partition, 0) > s.first for s in spans):
        raise UsageError(
            "no such loss is accepted" if not standing else "records after the loss are already published",
            where=f"job {ledger.job}",
            remedy=f"headrace status {ledger.job} lists the accepted losses, exactly as they were accepted",
        )
    number = ledger.record_decision(UndoDecision(why=why, undoes=standing[-1].number))
    return LossDecision(number, tuple(spans), undone=True)
