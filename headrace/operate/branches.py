"""Branches: which claim wrote which chain of manifests, and the decisions about which publish follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from headrace.errors import ClusterError, DecisionNeeded, UsageError
from headrace.ledger.branch import continues_head, restart_is_due
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import CLAIMS, Adopt, Decision, Restart, SetAside, UndoDecision
from headrace.ledger.survey import ClaimStatus, survey
from headrace.operate.parts.reason import require_reason
from headrace.operate.workspace import OpenJob, Workspace
from headrace.publish.topics import query_topics


@dataclass(frozen=True)
class BranchReport:
    """A branch, and what was decided about it."""

    branch: ClaimStatus
    decisions: tuple[Decision, ...]

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {**self.branch.to_json(), "decisions": [d.to_json() for d in self.decisions]}


@dataclass(frozen=True)
class BranchDecision:
    """A recorded decision about a branch."""

    decision: int
    """Its number."""
    action: Literal["set-aside", "adopt"]
    """What was decided."""
    undone: bool
    """Whether it undid an earlier decision."""
    claim: int

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "decision": self.decision,
            "action": self.action,
            "undone": self.undone,
            "claim": self.claim,
        }


@dataclass(frozen=True)
class RestartDecision:
    """A recorded decision that the next start continues from the frontier; or that it does not."""

    decision: int
    """Its number."""
    undone: bool
    """Whether it undid an earlier decision."""
    frontier: dict[int, int]
    """Partition → the offset from which the next start reads; empty: from where the job began."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "decision": self.decision,
            "action": "restart",
            "undone": self.undone,
            "frontier": self.frontier,
        }


def list_branches(workspace: Workspace, job: str) -> list[ClaimStatus]:
    """Every claim of a job, oldest first, with what it has staged.

    Raises:
        UsageError: there is no such job.
    """
    return _survey(workspace.job(job))


def describe_branch(workspace: Workspace, job: str, claim: int) -> BranchReport:
    """One branch: its manifests, files and fork point, and what was decided about it.

    Raises:
        UsageError: there is no such job or claim.
    """
    open_job = workspace.job(job)
    branch = _claim(open_job, claim)
    decisions = open_job.ledger.decisions()
    return BranchReport(branch, tuple(d for d in decisions if getattr(d, "claim", None) == claim))


def set_aside_branch(
    workspace: Workspace, job: str, claim: int, why: str, *, undo: bool = False
) -> BranchDecision:
    """Record that publish does not follow a claim; or, with ``undo``, that it may again.

    Raises:
        UsageError: there is no such job or claim, no reason, or no such decision to undo.
    """
    open_job = workspace.job(job)
    _claim(open_job, claim)
    require_reason(why)
    ledger = open_job.ledger
    decision = SetAside(why=why, claim=claim, newest_claim=ledger.newest(CLAIMS))
    standing = StandingDecisions.of(ledger.decisions()).set_aside.get(claim)
    return BranchDecision(_record(ledger, decision, standing, undo=undo), decision.action, undo, claim)


def adopt_branch(
    workspace: Workspace, job: str, claim: int, why: str, *, undo: bool = False
) -> BranchDecision:
    """Record that publish follows a claim until there is a newer one; or, with ``undo``, that it does not.

    Raises:
        UsageError: there is no such job or claim, it is set aside, no reason, or no such decision to undo.
        DecisionNeeded: the claim does not continue from the published head.
    """
    open_job = workspace.job(job)
    branch = _claim(open_job, claim)
    if not undo:
        _require_adoptable(open_job, branch)
    require_reason(why)
    ledger = open_job.ledger
    decision = Adopt(why=why, claim=claim, newest_claim=ledger.newest(CLAIMS))
    standing = StandingDecisions.of(ledger.decisions()).adoption.get(claim)
    return BranchDecision(_record(ledger, decision, standing, undo=undo), decision.action, undo, claim)


def restart_branch(workspace: Workspace, job: str, why: str, *, undo: bool = False) -> RestartDecision:
    """Record that the next start of an ingest job continues from the frontier without state; or undo that.

    What was staged after the frontier and not published is read from Kafka again.

    Raises:
        UsageError: there is no such ingest job, no reason, or no restart to undo.
        DecisionNeeded: the topic is not the one that the job began on.
    """
    open_job = workspace.job(job)
    if open_job.program.contract.job_has_state:
        raise UsageError(
            f"job {job} keeps state that offsets cannot restore",
            remedy=f"give it a savepoint: headrace run {job} --savepoint PATH",
        )
    ledger, staged = open_job.ledger, open_job.read_staged()
    if undo and not restart_is_due(ledger, staged):
        raise UsageError(
            "no restart is due: none was decided, or the job has started since",
            where=f"job {job}",
            remedy=f"to abandon what it wrote: headrace branch set-aside {job} N --why TEXT",
        )
    if not undo:
        _refuse_other_topic(open_job)
    require_reason(why)
    decision = Restart(why=why, newest_claim=ledger.newest(CLAIMS))
    number = _record(ledger, decision, StandingDecisions.of(ledger.decisions()).restart, undo=undo)
    return RestartDecision(number, undo, ledger.head().frontier)


def _survey(job: OpenJob) -> list[ClaimStatus]:
    """Every claim of a job, oldest first, with what it has staged."""
    staged = job.read_staged()
    return survey(job.ledger, job.ledger.head(), staged)


def _require_adoptable(job: OpenJob, branch: ClaimStatus) -> None:
    claim = branch.claim.number
    if branch.state == "set aside":
        raise UsageError(
            f"claim {claim} is set aside",
            remedy=f"first: headrace branch set-aside {job.name} {claim} --undo --why TEXT",
        )
    if branch.state in ("head", "waiting", "ahead") or continues_head(
        job.ledger, job.ledger.head(), job.read_staged(), claim
    ):
        return
    raise DecisionNeeded(
        f"claim {claim} does not continue from the published head: following it would repeat published rows",
        where=f"headrace branch show {job.name} {claim}",
        remedy=f"set it aside: headrace branch set-aside {job.name} {claim} --why TEXT",
    )


def _refuse_other_topic(job: OpenJob) -> None:
    """Refuse a restart that the next start would refuse too; if Kafka is down, that start asks again."""
    try:
        others = [
            c for c in query_topics(job.tables.source, job.ledger, job.ledger.head()).changes if c.other
        ]
    except ClusterError:
        return
    if others:
        raise DecisionNeeded(
            f"{others[0]}. The next start cannot continue in it",
            where=f"topic id {others[0].id or 'none'}, the job began on {others[0].was}",
            remedy="give the new topic a contract and a table of its own",
        )


def _claim(job: OpenJob, claim: int) -> ClaimStatus:
    for branch in _survey(job):
        if branch.claim.number == claim:
            return branch
    raise UsageError(f"job {job.name} has no claim {claim}", remedy=f"headrace branch ls {job.name}")


def _record(
    ledger: Ledger, decision: SetAside | Adopt | Restart, standing: Decision | None, *, undo: bool
) -> int:
    """Record a decision, or the undoing of the standing one; returns its number."""
    if not undo:
        return ledger.record_decision(decision)
    if standing is None:
        about = "" if isinstance(decision, Restart) else f" claim {decision.claim}"
        raise UsageError(
            f"there is no such decision to undo: {decision.action}{about}",
            where=f"job {ledger.job}",
            remedy=f"headrace branch ls {ledger.job}",
        )
    return ledger.record_decision(UndoDecision(why=decision.why, undoes=standing.number))
