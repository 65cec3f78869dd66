"""``headrace branch``: who wrote which chain of manifests, and what becomes of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from headrace import settings
from headrace.cli.output import Format, Output, emit
from headrace.contract.load import load_named
from headrace.errors import DecisionNeeded, UsageError
from headrace.lake.branch import Branch, ByOutput, Rulings, survey, tip
from headrace.lake.ledger import Ledger
from headrace.lake.manifests import Staged, chain
from headrace.lake.store import connect
from headrace.table.outputs import outputs

Job = Annotated[str, typer.Argument(help="The job, as in jobs/JOB.py.")]
Number = Annotated[int, typer.Argument(help="The claim, as `branch ls` numbers it.")]
Why = Annotated[str, typer.Option(help="Why; goes into the ledger.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take the decision back.")]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Branches: one a submission, and which of them publish follows.", no_args_is_help=True
    )
    group.command("ls")(ls)
    group.command("show")(show)
    group.command("set-aside")(set_aside)
    group.command("adopt")(adopt)
    app.add_typer(group, name="branch")


def branches(job: str) -> list[Branch]:
    """Every claim of a job, with what it has staged."""
    ledger, staged = _opened(job)
    number = ledger.newest("done")
    done = ledger.get("done", number) if number else None
    return survey(ledger, ledger.head(), done["claim"] if done else None, staged)


def _opened(job: str) -> tuple[Ledger, ByOutput]:
    warehouse = connect(settings.load().store)
    ids = [o.id for o in outputs(load_named(job))]
    return Ledger(warehouse, job), {o: Staged(warehouse, o).read() for o in ids}


def ls(job: Job, fmt: Output = Format.text) -> None:
    """List every submission's branch: which is followed, and where a fork left the published one.

    Example: headrace branch ls flights
    """
    found = branches(job)

    def table() -> Table:
        shown = Table("claim", "submission", "state", "followed", "staged checkpoints", "forks at")
        for b in found:
            span = f"{b.checkpoints[0]}–{b.checkpoints[1]}" if b.checkpoints else "—"  # noqa: RUF001
            points = sorted({str(p) for p in b.forks_at.values()})
            followed = "yes" if b.followed else ""
            shown.add_row(
                str(b.claim.number), b.claim.submission, b.state, followed, span, ", ".join(points) or "—"
            )
        return shown

    emit([b.to_json() for b in found], fmt, table)


def show(job: Job, claim: Number, fmt: Output = Format.text) -> None:
    """Show one branch: its manifests, files, fork point and what was decided about it.

    Example: headrace branch show flights 2
    """
    branch = _one(job, claim)
    decisions = [d for d in _opened(job)[0].decisions() if d.get("claim") == claim]
    result = {**branch.to_json(), "decisions": decisions}

    def table() -> Table:
        shown = Table("output", "manifest", "parent", "files", "bytes")
        for output, manifests in branch.manifests.items():
            for m in manifests:
                size = sum(f.size for f in m.files)
                shown.add_row(output, m.id, str(m.parent), str(len(m.files)), f"{size:,}")
        shown.caption = f"claim {claim}: {branch.state}" + "".join(
            f"\n{d['at']} {d['by']}: {d['action']} — {d['why']}" for d in decisions
        )
        return shown

    emit(result, fmt, table)


def set_aside(job: Job, claim: Number, why: Why = "", undo: Undo = False, fmt: Output = Format.text) -> None:
    """Leave a branch: publish follows the newest claim that is not set aside. Recorded, reversible.

    Example: headrace branch set-aside flights 2 --why "restored the wrong savepoint"
    """
    _one(job, claim)
    _emit(_decide(Ledger(connect(settings.load().store), job), "set-aside", claim, why, undo=undo), fmt)


def adopt(job: Job, claim: Number, why: Why = "", undo: Undo = False, fmt: Output = Format.text) -> None:
    """Follow this branch, which must go on from the head, until a newer claim. Recorded, reversible.

    Example: headrace branch adopt flights 1 --why "the second submission was a mistake"
    """
    branch = _one(job, claim)
    if not undo and branch.state == "set aside":
        raise UsageError(
            f"claim {claim} is set aside",
            remedy=f"first: headrace branch set-aside {job} {claim} --undo --why TEXT",
        )
    if not undo and not _goes_on(job, branch):
        raise DecisionNeeded(
            f"claim {claim} does not go on from the published head: to follow it would repeat published rows",
            where=f"headrace branch show {job} {claim}",
            remedy=f"set it aside: headrace branch set-aside {job} {claim} --why TEXT",
        )
    _emit(_decide(Ledger(connect(settings.load().store), job), "adopt", claim, why, undo=undo), fmt)


def _goes_on(job: str, branch: Branch) -> bool:
    """Whether the branch's chain contains the head of every output."""
    if branch.state in ("head", "waiting", "ahead"):
        return True
    ledger, staged = _opened(job)
    head = ledger.head()
    for output, manifests in staged.items():
        newest = tip(manifests, branch.claim.number)
        if newest is None or chain(manifests, newest, head.manifests.get(output))[1] != head.manifests.get(
            output
        ):
            return False
    return True


def _one(job: str, claim: int) -> Branch:
    for branch in branches(job):
        if branch.claim.number == claim:
            return branch
    raise UsageError(f"job {job} has no claim {claim}", remedy=f"headrace branch ls {job}")


def _decide(ledger: Ledger, action: str, claim: int, why: str, *, undo: bool) -> dict[str, Any]:
    if not why:
        raise UsageError("a decision needs a reason", remedy='add --why "…": the next person will read it')
    if undo:
        number = _undo(ledger, action, claim, why)
    else:
        number = ledger.decide(action, why=why, claim=claim, claims_then=ledger.newest("claims"))
    return {"decision": number, "action": action, "undone": undo, "claim": claim}


def _emit(done: dict[str, Any], fmt: Format) -> None:
    word = "no longer " if done["undone"] else ""
    emit(done, fmt, lambda: f"decision {done['decision']}: {word}{done['action']} claim {done['claim']}")


def _undo(ledger: Ledger, action: str, claim: int, why: str) -> int:
    rulings = Rulings.of(ledger.decisions())
    adopted = rulings.adopted if rulings.adopted and rulings.adopted["claim"] == claim else None
    standing = rulings.set_aside.get(claim) if action == "set-aside" else adopted
    if standing is None:
        raise UsageError(
            f"claim {claim} has no such decision to undo", remedy=f"headrace branch show {ledger.job} {claim}"
        )
    return ledger.decide("undo", why=why, claim=claim, undoes=standing["number"])
