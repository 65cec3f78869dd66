"""Quarantined records: count them, show them, judge them again by the contract, or discard them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.contract.load import load_topic
from headrace.errors import UsageError
from headrace.ledger.decisions import StandingDecisions, discarded_records
from headrace.ledger.records import Discard, UndoDecision
from headrace.offsets import Span
from headrace.operate.parts.patch_report import PatchReport
from headrace.operate.parts.reason import require_reason
from headrace.operate.patch import JUDGE_S, judge_and_apply
from headrace.operate.workspace import Workspace
from headrace.positions import Positions
from headrace.progress import Progress, silent
from headrace.read import quarantine
from headrace.read.quarantine import QuarantinedRecord, ReasonCount, Selection
from headrace.replay.redrive import request_redrive
from headrace.table.outputs import outputs


@dataclass(frozen=True)
class DiscardDecision:
    """A recorded decision that quarantined records are discarded; or no longer."""

    contract: str
    decision: int
    """Its number."""
    spans: tuple[Span, ...]
    """The records."""
    undoes: int | None = None
    """The discard that was undone."""

    @property
    def records(self) -> int:
        """How many records it concerns."""
        return len(Positions.of_spans(self.spans))

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "decision": self.decision,
            "records": self.records,
            "spans": [str(s) for s in self.spans],
            "undoes": self.undoes,
        }


def count_quarantined(workspace: Workspace, contract: str) -> list[ReasonCount]:
    """Quarantined records by reason, field and rule. Discarded ones are included, and counted separately too.

    Raises:
        UsageError: there is no such contract of a topic.
        NeverPublishedError: it has no table yet.
    """
    topic = load_topic(contract)
    discarded_counts = quarantine.discarded_by_reason(
        workspace.warehouse, outputs(topic)[0], discarded_records(workspace.ledger(topic.id))
    )
    return quarantine.reasons(workspace.warehouse, topic.id, discarded_counts)


def read_quarantined(
    workspace: Workspace, contract: str, wanted: Selection | None = None, *, limit: int = 20
) -> list[QuarantinedRecord]:
    """Quarantined records, the oldest first: position, Kafka time, reason and the original payload.

    Raises:
        UsageError: there is no such contract of a topic.
        NeverPublishedError: it has no table yet.
    """
    topic = load_topic(contract)
    return quarantine.records(workspace.warehouse, topic.id, wanted or Selection(), limit)


def redrive_quarantined(
    workspace: Workspace,
    contract: str,
    wanted: Selection,
    why: str,
    *,
    repair: str | None = None,
    hold: bool = False,
    within_s: float = JUDGE_S,
    progress: Progress = silent,
) -> PatchReport:
    """Judge quarantined records again, and move those that pass into the table in one batch.

    If none passes, the patch that this began is aborted, and the ledger records why.

    Args:
        workspace: of the environment.
        contract: of a topic, with an ingest job of its name.
        wanted: which records; an empty selection means all that are not discarded.
        why: recorded in the ledger.
        repair: ``repairs.MODULE.FUNCTION``: pass each payload through it first.
        hold: only judge the records.
        within_s: how many seconds the bounded job may run; after that it is cancelled.
        progress: called with what is being done.

    Raises:
        UsageError: there is no such ingest job, function or record, or no reason.
        DecisionNeeded: the job was edited, and the change is not accepted yet.
        ClusterError: the bounded job failed, or did not finish within the deadline.
    """
    job = workspace.ingest_job(load_topic(contract).id)
    require_reason(why)
    progress(what="taking the records out of quarantine")
    patch = request_redrive(job.ledger, job.program, wanted, why, repair)
    return judge_and_apply(job, patch, hold=hold, within_s=within_s, progress=progress)


def discard_quarantined(workspace: Workspace, contract: str, wanted: Selection, why: str) -> DiscardDecision:
    """Record that quarantined records are discarded: no redrive takes them any more.

    Raises:
        UsageError: there is no such ingest job or record, or no reason.
    """
    ledger = workspace.ingest_job(load_topic(contract).id).ledger
    require_reason(why)
    chosen = quarantine.positions(ledger.warehouse, ledger.job, wanted).without(discarded_records(ledger))
    if not chosen:
        raise UsageError(
            "there are no such records in quarantine", remedy=f"headrace quarantine ls {contract}"
        )
    spans = tuple(chosen.spans())
    return DiscardDecision(contract, ledger.record_decision(Discard(why=why, spans=spans)), spans)


def undo_discard(workspace: Workspace, contract: str, decision: int, why: str) -> DiscardDecision:
    """Record that a discard is undone.

    Raises:
        UsageError: there is no such ingest job or discard, or no reason.
    """
    ledger = workspace.ingest_job(load_topic(contract).id).ledger
    require_reason(why)
    standing = {d.number: d for d in StandingDecisions.of(ledger.decisions()).discards}
    if decision not in standing:
        known = (f"{n} ({' '.join(map(str, d.spans[:3]))}; {d.by}: {d.why})" for n, d in standing.items())
        raise UsageError(
            f"decision {decision} is not a discard in effect",
            remedy=f"these are: {', '.join(known) or 'none'}",
        )
    number = ledger.record_decision(UndoDecision(why=why, undoes=decision))
    return DiscardDecision(contract, number, standing[decision].spans, decision)
