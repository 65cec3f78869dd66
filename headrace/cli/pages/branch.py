"""Branches on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from headrace.cli.layout import facts, fit_table, listing, moment
from headrace.ledger.records import Manifest
from headrace.ledger.survey import ClaimState, ClaimStatus
from headrace.operate.branches import BranchDecision, BranchReport, RestartDecision
from headrace.savepoint.metadata import checkpoint_of

STATES: dict[ClaimState, str] = {
    "head": "wrote the manifests that the newest batch took, and has staged nothing since",
    "waiting": "has not completed a checkpoint yet; publish waits for it",
    "ahead": "continues from what is published and has staged more; publish takes what has rows",
    "fork": "left the chain that publish follows;"
    " publishing it would repeat rows, so an operator must decide",
    "replay": "the fork of a replay that is not published; publish does not follow it",
    "left behind": "an older submission: it has nothing more to publish, or a restart skips what remains",
    "set aside": "an operator decided that publish does not follow it",
}
"""What the state of a branch means."""


def table(branches: Sequence[ClaimStatus]) -> RenderableType:
    """One line per branch, and what their states mean."""
    shown = listing("claim", "state", "followed", "staged", "forks at", "submission", numbers=["claim"])
    for b in branches:
        staged = f"{b.checkpoints[0]}-{b.checkpoints[1]}" if b.checkpoints else "—"
        followed = "yes" if b.followed else ""
        points = fork_points(b) or "—"
        shown.add_row(str(b.claim.number), b.state, followed, staged, points, b.claim.submission)
    states = {b.state for b in branches}
    meanings = {str(state): meaning for state, meaning in STATES.items() if state in states}
    return Group(fit_table(shown, spare=["submission"]), Text(), facts(meanings, indent=12))


def page(report: BranchReport) -> RenderableType:
    """One row per checkpoint, with the ids of its manifests if there is room."""
    branch, points = report.branch, fork_points(report.branch)
    lines = {
        f"claim {branch.claim.number}": f"{branch.state}: {STATES[branch.state]}",
        **({"forks at": points} if points else {}),
        **{f"decision {d.number}": f"{moment(d.at)} {d.by}: {d.action} — {d.why}" for d in report.decisions},
    }
    return Group(*_checkpoints(branch), facts(lines, indent=12))


def decision_sentence(done: BranchDecision) -> str:
    """The decision that was recorded."""
    return f"decision {done.decision}: {'no longer ' if done.undone else ''}{done.action} claim {done.claim}"


def restart_sentence(done: RestartDecision) -> str:
    """Where the next start begins to read."""
    effect = "no longer restarts" if done.undone else "the next start continues"
    frontier = " ".join(f"{p}:{o:,}" for p, o in sorted(done.frontier.items()))
    return f"decision {done.decision}: {effect} from {frontier or 'where the job began'}"


def fork_points(branch: ClaimStatus) -> str:
    """The last manifests that a fork shares with the published branch; empty if the branch is not a fork."""
    return ", ".join(sorted({p or "the beginning" for p in branch.forks_at.values()}))


def _checkpoints(branch: ClaimStatus) -> list[RenderableType]:
    by_checkpoint: dict[int, list[Manifest]] = {}
    for manifests in branch.manifests.values():
        for m in manifests:
            by_checkpoint.setdefault(m.checkpoint, []).append(m)
    numbers = ["checkpoint", "after", "files", "bytes"]
    shown = listing(*numbers, "manifests", numbers=numbers)
    for checkpoint, sealed in sorted(by_checkpoint.items()):
        after = {str(checkpoint_of(m.parent)) if m.parent else "—" for m in sealed}
        files = [f for m in sealed for f in m.files]
        ids = " ".join(dict.fromkeys(m.id for m in sealed))
        size = sum(f.size for f in files)
        shown.add_row(str(checkpoint), " ".join(sorted(after)), str(len(files)), f"{size:,}", ids)
    return [fit_table(shown, spare=["manifests"]), Text()] if by_checkpoint else []
