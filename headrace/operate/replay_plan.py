"""Plan a replay, and describe planned ones. Nothing runs, nothing published is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headrace.ledger import replays
from headrace.ledger.ledger import Ledger
from headrace.ledger.patch_history import PatchHistory
from headrace.ledger.records import Decision, Replay
from headrace.operate.parts.patch_report import PatchReport, report
from headrace.operate.parts.reason import require_reason
from headrace.operate.workspace import Workspace
from headrace.progress import Progress, silent
from headrace.replay import bounded
from headrace.replay import diff as comparing
from headrace.replay import plan as planning
from headrace.replay.compare import Diff
from headrace.replay.stale import stale_tables

Place = Mapping[int, int] | datetime
"""A place in a topic: an offset of each partition, or when Kafka received the records."""
"""Where a range of a topic begins or ends: offsets by partition, or when Kafka received the records."""


@dataclass(frozen=True)
class ListedReplay:
    """A replay and its state."""

    replay: Replay
    state: replays.ReplayState

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {**self.replay.to_json(), "state": self.state}


@dataclass(frozen=True)
class ReplayReport:
    """A replay: what was planned, and what happened to it."""

    job: str
    replay: Replay
    state: replays.ReplayState
    patches: tuple[str, ...] = ()
    """Patches that it overwrites, in whole or in part."""
    decided: Mapping[replays.ReplayState, Decision] = field(default_factory=dict)
    """What was decided about it, oldest first: published, rolled back, aborted."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            **self.replay.to_json(),
            "state": self.state,
            "decided": {w: {"at": d.at, "by": d.by, "why": d.why} for w, d in self.decided.items()},
            "patches": list(self.patches),
        }


@dataclass(frozen=True)
class ReplayDiff:
    """How the rows of a replay's fork differ from those of the branch."""

    job: str
    replay: Replay
    diff: Diff

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return self.diff.to_json()


def plan_replay(
    workspace: Workspace, job: str, begin: int | Place, why: str, *, progress: Progress = silent
) -> ReplayReport:
    """Record what a replay is to do.

    Args:
        workspace: of the environment.
        job: the job, as in jobs/JOB.py.
        begin: the number of an anchor; or, of an ingest job, a place in its topic.
        why: recorded in the ledger.
        progress: called with what is being read.

    Raises:
        UsageError: there is no such job or anchor, no reason, or a derive job was given a place.
        DecisionNeeded: what was published there is not known.
    """
    open_job = workspace.job(job)
    kafka, ledger = workspace.kafka, open_job.ledger
    require_reason(why)
    progress(what="reading what is published")
    if isinstance(begin, int):
        planned = planning.from_anchor(kafka, ledger, begin, why)
    elif isinstance(begin, datetime):
        planned = planning.from_time(kafka, ledger, begin, why)
    else:
        planned = planning.from_offsets(kafka, ledger, dict(begin), why)
    stale = stale_tables(open_job.program, workspace.ledger)
    planned = replays.record_replay(ledger, planned.model_copy(update={"stale": stale}))
    return ReplayReport(job, planned, "planned", tuple(patches_ended_by(ledger, planned)))


def plan_bounded_replay(
    workspace: Workspace, job: str, begin: Place, end: Place, why: str, *, progress: Progress = silent
) -> PatchReport:
    """Record a replay that ends, which needs no fork: it is a patch, still to be judged and applied.

    Args:
        workspace: of the environment.
        job: an ingest job.
        begin: where the range begins.
        end: where it ends.
        why: recorded in the ledger.
        progress: called with what is being read.

    Raises:
        UsageError: there is no such ingest job, no reason, or no such range.
    """
    require_reason(why)
    open_job = workspace.ingest_job(job)
    program, ledger = open_job.program, open_job.ledger
    progress(what="reading what is published")

    def offsets(place: Place) -> dict[int, int]:
        if isinstance(place, datetime):
            return bounded.offsets_since(workspace.kafka, ledger, program, place)
        return dict(place)

    first, last = offsets(begin), offsets(end)
    if isinstance(end, datetime) and not isinstance(begin, datetime):
        last = {p: o for p, o in last.items() if p in first}
    if isinstance(begin, datetime) and not isinstance(end, datetime):
        first = {p: o for p, o in first.items() if p in last}
    patch = bounded.request_bounded_replay(workspace.kafka, ledger, program, first, last, why)
    return report(open_job, patch)


def list_replays(workspace: Workspace, job: str) -> list[ListedReplay]:
    """The replays of a job, newest first.

    Raises:
        UsageError: there is no such job.
    """
    ledger = workspace.job(job).ledger
    return [ListedReplay(r, replays.state(ledger, r.number)) for r in reversed(replays.every(ledger))]


def describe_replay(workspace: Workspace, job: str, replay: int) -> ReplayReport:
    """One replay: its fork point, what it replaces, and its state.

    Raises:
        UsageError: there is no such job or replay.
    """
    ledger = workspace.job(job).ledger
    planned, state = replays.one(ledger, replay), replays.state(ledger, replay)
    decided = replays.decisions_about(ledger, replay)
    return ReplayReport(job, planned, state, tuple(patches_ended_by(ledger, planned)), decided)


def diff_replay(
    workspace: Workspace, job: str, replay: int, *, samples: int = 5, progress: Progress = silent
) -> ReplayDiff:
    """Compare the published rows after the fork point with those that the fork has written.

    For a published replay: what it changed.

    Args:
        workspace: of the environment.
        job: the job, as in jobs/JOB.py.
        replay: its number.
        samples: how many changed records to include.
        progress: called with what is being read.

    Raises:
        UsageError: there is no such job or replay, or it was aborted.
        DecisionNeeded: the fork has sealed nothing yet.
    """
    open_job = workspace.job(job)
    ledger = open_job.ledger
    planned = replays.one(ledger, replay)
    progress(what="comparing rows")
    return ReplayDiff(
        job, planned, comparing.replay_diff(ledger.warehouse, ledger, open_job.program, planned, samples)
    )


def patches_ended_by(ledger: Ledger, replay: Replay) -> list[str]:
    """Names of patches that a replay overwrites: of an open one, those with records after its fork point."""
    history = PatchHistory(ledger)
    if at := replays.batch_of(ledger, replay.number):
        return [p.name for p in history.changed_by(at)[0]]
    if replays.state(ledger, replay.number) == "aborted":
        return []
    return [p.name for p in history.overwritten_from(replay.frontier)]
