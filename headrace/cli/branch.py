"""``headrace branch``: who wrote which chain of manifests, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, emit, facts, fitted, listing, moment
from headrace.cluster.kafka import Source
from headrace.errors import ClusterError, DecisionNeeded, UsageError
from headrace.job.assemble import named
from headrace.ledger.branch import ByOutput, goes_on, restart_is_due
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import Staged
from headrace.ledger.records import CLAIMS, Adopt, Decision, Manifest, Restart, SetAside, UndoDecision
from headrace.ledger.survey import ClaimStatus, survey
from headrace.operate import Workspace
from headrace.publish.topics import ask
from headrace.savepoint.metadata import checkpoint_of

Job = Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")]
Number = Annotated[int, typer.Argument(help="The claim, as `branch ls` numbers it.")]
Why = Annotated[str, typer.Option(help="Why; goes into the ledger.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take the decision back.")]


STATES = {
    "head": "wrote the newest published batch, and nothing since",
    "waiting": "has not completed a checkpoint yet; publish waits for it",
    "ahead": "goes on from what is published and has staged more; publish takes what has rows",
    "fork": "left the chain that publish follows; to publish it would repeat rows, so a person must decide",
    "replay": "the fork of a replay that is not published; publish does not follow it",
    "left behind": "an older submission: nothing more to publish, or a restart skips its rest",
    "set aside": "somebody decided that publish does not follow it",
}
"""What the state of a branch means."""


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Branches: one a submission, and which of them publish follows.", no_args_is_help=True
    )
    group.command("ls")(ls)
    group.command("show")(show)
    group.command("set-aside")(set_aside)
    group.command("adopt")(adopt)
    group.command("restart")(restart)
    app.add_typer(group, name="branch")


def branches(workspace: Workspace, job: str) -> list[ClaimStatus]:
    """Every claim of a job, with what it has staged."""
    ledger, staged = _opened(workspace, job)
    return survey(ledger, ledger.head(), staged)


def _opened(workspace: Workspace, job: str) -> tuple[Ledger, ByOutput]:
    outputs = named(job).outputs
    return workspace.ledger(job), {o.id: Staged(workspace.warehouse, o.id).read() for o in outputs}


def ls(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """List every submission of a job: which one publish follows, and which of them left the published chain.

    Each start of the job is numbered: that is its claim.

    head: wrote the newest published batch, and nothing since.

    waiting: has not completed a checkpoint yet; publish waits for it.

    ahead: goes on from what is published and has staged more; publish takes what has rows.

    fork: left the chain that publish follows; to publish it would repeat rows, so a person must decide.

    replay: the fork of a replay that is not published; publish does not follow it.

    left behind: an older submission: nothing more to publish, or a restart skips its rest.

    set aside: somebody decided that publish does not follow it.

    Example: headrace branch ls flights
    """
    found = branches(workspace_of(ctx), job)
    emit([b.to_json() for b in found], fmt, lambda: _listed(found))


def _listed(found: Sequence[ClaimStatus]) -> RenderableType:
    shown = listing("claim", "state", "followed", "staged", "forks at", "submission", numbers=["claim"])
    for b in found:
        staged = f"{b.checkpoints[0]}-{b.checkpoints[1]}" if b.checkpoints else "—"
        points = ", ".join(sorted({p or "the beginning" for p in b.forks_at.values()})) or "—"
        followed = "yes" if b.followed else ""
        shown.add_row(str(b.claim.number), b.state, followed, staged, points, b.claim.submission)
    return Group(fitted(shown, spare=["submission"]), Text(), facts(_meanings(found), indent=12))


def _meanings(found: Sequence[ClaimStatus]) -> dict[str, str]:
    """What the states among these branches mean."""
    return {s: meaning for s, meaning in STATES.items() if any(b.state == s for b in found)}


def show(ctx: typer.Context, job: Job, claim: Number, fmt: Output = Format.text) -> None:
    """Show one branch: its manifests, files, fork point and what was decided about it.

    Example: headrace branch show flights 2
    """
    workspace = workspace_of(ctx)
    branch = _one(workspace, job, claim)
    decisions = [d for d in workspace.ledger(job).decisions() if getattr(d, "claim", None) == claim]
    result = {**branch.to_json(), "decisions": [d.to_json() for d in decisions]}

    emit(result, fmt, lambda: _shown(branch, decisions))


def _shown(branch: ClaimStatus, decisions: Sequence[Decision]) -> RenderableType:
    """A row a checkpoint; the ids of its manifests where there is room for them."""
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
    points = ", ".join(sorted({p or "the beginning" for p in branch.forks_at.values()}))
    lines = {
        f"claim {branch.claim.number}": f"{branch.state}: {STATES.get(branch.state, '')}",
        **({"forks at": points} if points else {}),
        **{f"decision {d.number}": f"{moment(d.at)} {d.by}: {d.action} — {d.why}" for d in decisions},
    }
    table = [fitted(shown, spare=["manifests"]), Text()] if by_checkpoint else []
    return Group(*table, facts(lines, indent=12))


def set_aside(
    ctx: typer.Context, job: Job, claim: Number, why: Why = "", undo: Undo = False, fmt: Output = Format.text
) -> None:
    """Leave a branch: publish follows the newest claim that is not set aside. Recorded, reversible.

    Example: headrace branch set-aside flights 2 --why "restored the wrong savepoint"
    """
    workspace = workspace_of(ctx)
    _one(workspace, job, claim)
    ledger = workspace.ledger(job)
    ruling = SetAside(why=_reason(why), claim=claim, claims_then=ledger.newest(CLAIMS))
    standing = StandingDecisions.of(ledger.decisions()).set_aside.get(claim)
    _emit(_rule(ledger, ruling, standing, undo=undo), ruling.action, claim, fmt, undo=undo)


def adopt(
    ctx: typer.Context, job: Job, claim: Number, why: Why = "", undo: Undo = False, fmt: Output = Format.text
) -> None:
    """Follow this branch, which must go on from the head, until a newer claim. Recorded, reversible.

    Example: headrace branch adopt flights 1 --why "the second submission was a mistake"
    """
    workspace = workspace_of(ctx)
    branch = _one(workspace, job, claim)
    if not undo and branch.state == "set aside":
        raise UsageError(
            f"claim {claim} is set aside",
            remedy=f"first: headrace branch set-aside {job} {claim} --undo --why TEXT",
        )
    ledger, staged = _opened(workspace, job)
    going_on = branch.state in ("head", "waiting", "ahead") or goes_on(ledger, ledger.head(), staged, claim)
    if not undo and not going_on:
        raise DecisionNeeded(
            f"claim {claim} does not go on from the published head: to follow it would repeat published rows",
            where=f"headrace branch show {job} {claim}",
            remedy=f"set it aside: headrace branch set-aside {job} {claim} --why TEXT",
        )
    ruling = Adopt(why=_reason(why), claim=claim, claims_then=ledger.newest(CLAIMS))
    standing = StandingDecisions.of(ledger.decisions()).adoption.get(claim)
    _emit(_rule(ledger, ruling, standing, undo=undo), ruling.action, claim, fmt, undo=undo)


def restart(
    ctx: typer.Context, job: Job, why: Why = "", undo: Undo = False, fmt: Output = Format.text
) -> None:
    """Let the next start read on from the frontier without state: every checkpoint is lost, or skipped rows.

    For ingest jobs, which hold nothing in their state but positions. What was staged behind the frontier and
    not published is read from Kafka once more. Recorded, reversible until that start.

    Example: headrace branch restart flights --why "the bucket lost its checkpoints"
    """
    if named(job).contract.kind == "derive":
        raise UsageError(
            f"job {job} keeps state that no offset brings back",
            remedy="give it a savepoint: `flink run -s PATH …`",
        )
    workspace = workspace_of(ctx)
    ledger, staged = _opened(workspace, job)
    if undo and not restart_is_due(ledger, staged):
        raise UsageError(
            "no restart is to come: none was ruled, or the job has begun behind it",
            where=f"job {job}",
            remedy=f"to leave what it wrote: headrace branch set-aside {job} N --why TEXT",
        )
    if not undo:
        _refuse_other_topic(workspace, ledger)
    ruling = Restart(why=_reason(why), claims_then=ledger.newest(CLAIMS))
    number = _rule(ledger, ruling, StandingDecisions.of(ledger.decisions()).restart, undo=undo)
    frontier = ledger.head().frontier
    said = "no longer restarts" if undo else "the next start reads on"
    emit(
        {"decision": number, "action": "restart", "undone": undo, "frontier": frontier},
        fmt,
        lambda: f"decision {number}: {said} from {_positions(frontier) or 'where the job began'}",
    )


def _refuse_other_topic(workspace: Workspace, ledger: Ledger) -> None:
    """Refuse a restart that `run` would refuse. Where Kafka does not answer, `run` asks again."""
    source = Source(workspace.kafka, (ledger.job,))
    try:
        others = [c for c in ask(source, ledger, ledger.head()).changes if c.other]
    except ClusterError:
        return
    if others:
        raise DecisionNeeded(
            f"{others[0]}. The next start cannot read on in it",
            where=f"topic id {others[0].id or 'none'}, the job began on {others[0].was}",
            remedy="give the new topic a contract and a table of its own",
        )


def _positions(frontier: dict[int, int]) -> str:
    return " ".join(f"{p}:{o:,}" for p, o in sorted(frontier.items()))


def _one(workspace: Workspace, job: str, claim: int) -> ClaimStatus:
    for branch in branches(workspace, job):
        if branch.claim.number == claim:
            return branch
    raise UsageError(f"job {job} has no claim {claim}", remedy=f"headrace branch ls {job}")


def _reason(why: str) -> str:
    if not why:
        raise UsageError("a decision needs a reason", remedy='add --why "…": the next person will read it')
    return why


def _rule(
    ledger: Ledger, ruling: SetAside | Adopt | Restart, standing: Decision | None, *, undo: bool
) -> int:
    """Record a decision, or that the standing one no longer stands; gives its number."""
    if not undo:
        return ledger.decide(ruling)
    if standing is None:
        about = "" if isinstance(ruling, Restart) else f" claim {ruling.claim}"
        raise UsageError(
            f"there is no such decision to undo: {ruling.action}{about}",
            where=f"job {ledger.job}",
            remedy=f"headrace branch ls {ledger.job}",
        )
    return ledger.decide(UndoDecision(why=ruling.why, undoes=standing.number))


def _emit(decision: int, action: str, claim: int, fmt: Format, *, undo: bool) -> None:
    emit(
        {"decision": decision, "action": action, "undone": undo, "claim": claim},
        fmt,
        lambda: f"decision {decision}: {'no longer ' if undo else ''}{action} claim {claim}",
    )
