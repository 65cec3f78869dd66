"""``headrace branch``: which submission wrote which chain of manifests, and what happens to it."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli.context import workspace_of
from headrace.cli.output import Format, Output, emit
from headrace.cli.pages import branch as pages
from headrace.operate import branches

Job = Annotated[str, typer.Argument(metavar="JOB", help="The job, as in jobs/JOB.py.")]
Number = Annotated[int, typer.Argument(metavar="CLAIM", help="The claim, as `branch ls` numbers it.")]
Why = Annotated[str, typer.Option(help="The reason (required); recorded in the ledger.")]
Undo = Annotated[bool, typer.Option("--undo", help="Undo the decision.")]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Branches: one per submission, and which of them publish follows.\n\n"
        "Example: headrace branch ls flights",
        no_args_is_help=True,
    )
    group.command("ls")(ls)
    group.command("show")(show)
    group.command("set-aside")(set_aside)
    group.command("adopt")(adopt)
    group.command("restart")(restart)
    app.add_typer(group, name="branch")


def ls(ctx: typer.Context, job: Job, fmt: Output = Format.text) -> None:
    """List every submission of a job: which one publish follows, and which of them left the published chain.

    Each start of the job has a number: its claim.

    head: wrote the manifests that the newest batch took, and has staged nothing since.

    waiting: has not completed a checkpoint yet; publish waits for it.

    ahead: continues from what is published and has staged more; publish takes what has rows.

    fork: left the chain that publish follows; publishing it would repeat rows, so an operator must decide.

    replay: the fork of a replay that is not published; publish does not follow it.

    left behind: an older submission: it has nothing more to publish, or a restart skips what remains.

    set aside: an operator decided that publish does not follow it.

    Example: headrace branch ls flights
    """
    listed = branches.list_branches(workspace_of(ctx), job)
    emit([b.to_json() for b in listed], fmt, lambda: pages.table(listed))


def show(ctx: typer.Context, job: Job, claim: Number, fmt: Output = Format.text) -> None:
    """Show one branch: its manifests, files, fork point and what was decided about it.

    Example: headrace branch show flights 2
    """
    report = branches.describe_branch(workspace_of(ctx), job, claim)
    emit(report.to_json(), fmt, lambda: pages.page(report))


def set_aside(
    ctx: typer.Context, job: Job, claim: Number, why: Why = "", undo: Undo = False, fmt: Output = Format.text
) -> None:
    """Set a branch aside: publish follows the newest claim that is not set aside. Recorded, reversible.

    Example: headrace branch set-aside flights 2 --why "restored the wrong savepoint"
    """
    done = branches.set_aside_branch(workspace_of(ctx), job, claim, why, undo=undo)
    emit(done.to_json(), fmt, lambda: pages.decision_sentence(done))


def adopt(
    ctx: typer.Context, job: Job, claim: Number, why: Why = "", undo: Undo = False, fmt: Output = Format.text
) -> None:
    """Follow this branch, which must continue from the head, until a newer claim. Recorded, reversible.

    Example: headrace branch adopt flights 1 --why "the second submission was a mistake"
    """
    done = branches.adopt_branch(workspace_of(ctx), job, claim, why, undo=undo)
    emit(done.to_json(), fmt, lambda: pages.decision_sentence(done))


def restart(
    ctx: typer.Context, job: Job, why: Why = "", undo: Undo = False, fmt: Output = Format.text
) -> None:
    """Let the next start continue from the frontier, without state.

    Use it when checkpoints are lost, or when the job skipped rows. For ingest jobs, whose state holds nothing
    but positions. What was staged after the frontier and not published is read from Kafka again. Recorded,
    reversible until that start.

    Example: headrace branch restart flights --why "the bucket lost its checkpoints"
    """
    done = branches.restart_branch(workspace_of(ctx), job, why, undo=undo)
    emit(done.to_json(), fmt, lambda: pages.restart_sentence(done))
