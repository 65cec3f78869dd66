"""Patches on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from headrace.cli.layout import facts, fit_table, listing, moment
from headrace.ledger.patch_history import PatchState
from headrace.ledger.patches import REDRIVE, ROLLBACK
from headrace.ledger.records import Patch
from headrace.operate.parts.patch_report import ListedPatch, PatchReport
from headrace.text import counted


def table(listed_patches: Sequence[ListedPatch]) -> RenderableType:
    """One line per patch."""
    shown = listing(
        "patch", "kind", "state", "records", "asked", "by", "of", "why", numbers=["patch", "records"]
    )
    for entry in listed_patches:
        p = entry.patch
        row = (str(p.number), p.kind, entry.state, f"{p.records:,}", moment(p.at), p.by, p.origin, p.why)
        shown.add_row(*row)
    return fit_table(shown, spare=["by", "of"], prose="why")


def page(r: PatchReport) -> Group:
    """What was requested, the result, and what an operator may do next."""
    patch = r.patch
    lines = {
        patch.name: f"{r.state}; {patch.origin}",
        "why": patch.why,
        "records": f"{patch.records:,}, judged by contract version {patch.contract_version}",
        **_outcome(r),
        **{f"stale: {name}": f"computed without this\n{command}" for name, command in r.stale.items()},
    }
    if following := _next(r.job, patch, r.state):
        lines["next"] = following
    return Group(facts(lines), *([_refused(r)] if r.refused else []))


def _outcome(r: PatchReport) -> dict[str, str]:
    """What a patch did, or would do."""
    lines = {}
    if r.aborted is not None:
        lines["aborted"] = f"{r.aborted}; nothing was changed"
    elif r.rows is not None:
        lines["into the table" if r.batch else "would come in"] = counted(r.rows.get(r.table, 0), "row")
    if r.left:
        lines["left alone"] = f"{counted(r.left, 'record')}, discarded or moved since it was judged"
    if r.rows is not None:
        stay = r.patch.kind == REDRIVE
        where = ", which stay in quarantine as they are" if stay else ", into quarantine"
        refused = sum(x.count for x in r.refused)
        lines["refused"] = f"{counted(refused, 'record')}{where}" if refused else "none"
    if r.batch:
        back = r.rolled_back_by
        lines["in the tables"] = f"since batch {r.batch}" + (
            f", rolled back {moment(back.at)} by {back.by}: {back.why}" if back else ""
        )
    if gone := r.overwritten:
        lines["overwritten"] = (
            f"{counted(gone.records, 'record')}, by {gone.by}; {gone.left:,} remain as they were published"
        )
    return lines


def _refused(r: PatchReport) -> RenderableType:
    shown = listing(
        "reason", "field", "rule", "records", "example", numbers=["records", "example"], title="refused"
    )
    for x in r.refused:
        shown.add_row(x.reason, x.field or "", x.rule or "", f"{x.count:,}", x.example)
    return fit_table(shown)


def _next(job: str, patch: Patch, state: PatchState) -> str:
    """What an operator may do with a patch in that state; empty if nothing is left to do."""
    n = patch.number
    if patch.kind == ROLLBACK:
        back = f"headrace patch rollback {job} {patch.rolls_back} --why TEXT"
        return {"requested": back, "published": f"headrace verify {job}"}.get(state, "")
    return {
        "requested": f"headrace patch judge {job} {n}",
        "judged": f"headrace patch diff {job} {n}\nheadrace patch apply {job} {n}\n"
        f"headrace patch abort {job} {n} --why TEXT",
        "published": f"headrace verify {job}\nheadrace patch rollback {job} {n} --why TEXT",
        "overwritten": f"headrace quarantine show {job}: invalid records can be redriven again",
        "partly overwritten": f"headrace quarantine show {job}: invalid records can be redriven again",
    }.get(state, "")
