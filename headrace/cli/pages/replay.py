"""Replays on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from headrace.cli.layout import facts, fit_table, listing, moment
from headrace.ledger.records import Replay
from headrace.ledger.replays import ReplayState
from headrace.operate.replay_plan import ListedReplay, ReplayReport
from headrace.operate.replay_run import ReplayRun
from headrace.operate.replay_swap import AbortedReplay, RolledBackReplay, SwappedReplay
from headrace.text import counted

NUMBERS = {"files": "files", "rows": "rows written", "bytes": "bytes"}
"""What is counted of each table that a replay replaces → its column."""


def table(listed_replays: Sequence[ListedReplay]) -> RenderableType:
    """One line per replay."""
    shown = listing("replay", "state", "planned", "by", "from", "why", numbers=["replay"])
    for r in listed_replays:
        planned = r.replay
        shown.add_row(
            str(planned.number), r.state, moment(planned.at), planned.by, planned.origin, planned.why
        )
    return fit_table(shown, spare=["by"], prose="why")


def page(report: ReplayReport) -> Group:
    """What a replay is to do, what it replaces, and what an operator may do next."""
    r = report.replay
    begins = " ".join(f"{p}:{o:,}" for p, o in sorted(r.frontier.items()))
    lines = {
        f"replay {r.number}": f"{report.state}; from {r.origin}",
        "why": r.why,
        "fork point": f"in batch {r.fork.batch}"
        + (f", manifests {', '.join(sorted(set(r.fork.manifests.values())))}" if r.fork.manifests else ""),
        "reads": f"at most {counted(r.records, 'record')} again" + (f", from {begins}" if begins else ""),
        "takes": _duration(r),
        "state": r.savepoint or "none: the job's state is only positions",
        "contract": f"version {r.contract_version}",
        "leaves stale": ", ".join(r.stale) or "no table",
    }
    if report.patches:
        lines["replaces"] = f"{', '.join(report.patches)}: judged again from what Kafka holds"
    stages = _stages(report.job, r.number, report.state)
    decided = {str(state): f"{moment(d.at)} by {d.by}: {d.why}" for state, d in report.decided.items()}
    return Group(
        facts(lines, 14),
        Text(),
        _replaced(r),
        *([Text(), facts(stages, 14)] if stages else []),
        *([facts(decided, 14)] if decided else []),
    )


def run_sentence(at: ReplayRun) -> str:
    """How far a fork has read."""
    return (
        f"replay {at.replay} runs as Flink job {at.flink_job}: {at.read:,} of {at.records:,} offsets read"
        + (f"\nnext: headrace replay diff {at.job} {at.replay}" if at.caught_up else "")
    )


def swap_sentence(done: SwappedReplay) -> str:
    """What the tables hold now, and which job is live."""
    return (
        f"replay {done.replay} is published: {_versions(done.versions)}"
        f"\nlive job: {', '.join(done.live) or f'none, start it with `headrace run {done.job}`'};"
        f" cancelled: {', '.join(done.cancelled) or 'none'}"
        + "".join(f"\nstale: {t} was computed from what was replaced" for t in done.stale)
        + _overwritten(done.job, done.patches)
    )


def rollback_sentence(done: RolledBackReplay) -> str:
    """What the tables hold again, and which job is live."""
    return (
        f"replay {done.replay} is rolled back: {_versions(done.versions)}"
        f"\ncancelled: {', '.join(done.cancelled) or 'none'};"
        + (f" live job: {', '.join(done.live)}" if done.live else f" next: headrace run {done.job}")
        + "".join(f"\nin effect again: {p}" for p in done.again)
        + _overwritten(done.job, done.patches)
    )


def abort_sentence(done: AbortedReplay) -> str:
    """Which jobs were cancelled."""
    return f"replay {done.replay} is aborted; cancelled: {', '.join(done.cancelled) or 'nothing ran'}"


def _versions(versions: dict[str, int]) -> str:
    return ", ".join(f"{t} version {v}" for t, v in versions.items())


def _overwritten(job: str, patches: Sequence[str]) -> str:
    """Patches that were overwritten, and the command that shows each."""
    shows = ((p, f"headrace patch show {job} {p.rpartition(' ')[2]}") for p in patches)
    return "".join(f"\noverwritten, in whole or in part: {p}; {show}" for p, show in shows)


def _duration(r: Replay) -> str:
    if not r.rate:
        return "not known: the job has not published a backlog yet, so no speed was measured"
    return (
        f"about {r.records / r.rate:,.0f} s, at the {r.rate:,} offsets a second at which the job has read"
        " a backlog"
    )


def _replaced(r: Replay) -> RenderableType:
    table = listing("table", *NUMBERS.values(), numbers=NUMBERS.values(), title="what it replaces")
    for output, size in r.replaces.items():
        table.add_row(output, *(f"{getattr(size, k):,}" for k in NUMBERS))
    return fit_table(table)


def _stages(job: str, number: int, state: ReplayState) -> dict[str, str]:
    """What an operator may do with a replay that is not decided yet."""
    if state not in ("planned", "begun"):
        return {}
    return {
        "1 fork": f"headrace replay run {job} {number}: beside the live job, until it has caught up",
        "2 compare": f"headrace replay diff {job} {number}: rows that change or move, with samples",
        "3 swap": f"headrace replay publish {job} {number}: one commit a table, then the old job ends",
        "or": f"headrace replay abort {job} {number} --why TEXT: nothing published was touched",
    }
