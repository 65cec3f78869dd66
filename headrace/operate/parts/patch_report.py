"""What was requested of a patch, and what happened to it: a value for people and machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from headrace.job.assemble import load_program_of_table
from headrace.ledger import anchors, patches
from headrace.ledger.ledger import Ledger
from headrace.ledger.patch_history import Overwritten, PatchHistory, PatchState
from headrace.ledger.records import BATCHES, Patch, PublishPatch, Refusal
from headrace.operate.workspace import OpenJob
from headrace.replay.stale import stale_tables


@dataclass(frozen=True)
class ListedPatch:
    """A patch and its state."""

    patch: Patch
    state: PatchState

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {**self.patch.to_json(), "state": self.state}


@dataclass(frozen=True)
class PatchReport:
    """A patch: what was requested, and what happened to it."""

    job: str
    table: str
    """The table of the ingest job, beside its quarantine."""
    patch: Patch
    state: PatchState
    rows: Mapping[str, int] | None = None
    """Table → rows that it published, or would publish; None before it is judged."""
    refused: tuple[Refusal, ...] = ()
    """Records that stay in quarantine, or go there."""
    batch: int | None = None
    """The batch that published it."""
    aborted: str | None = None
    """Why it was aborted."""
    rolled_back_by: PublishPatch | None = None
    """The decision that undid it."""
    left: int = 0
    """Judged records that were not published, because they had been discarded or moved meanwhile."""
    overwritten: Overwritten | None = None
    """What later batches have overwritten, and what is left."""
    versions: Mapping[str, int] | None = None
    """Table → its version, if this call published it or rolled it back."""
    stale: Mapping[str, str] = field(default_factory=dict)
    """Tables that were computed without it → the commands that compute them again."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        back = self.rolled_back_by
        return {
            **{k: v for k, v in self.patch.to_json().items() if k != "number"},
            "job": self.job,
            "patch": self.patch.number,
            "state": self.state,
            "rows": self.rows,
            "refused": [r.to_json() for r in self.refused],
            "batch": self.batch,
            "aborted": self.aborted,
            "rolled_back": {"at": back.at, "by": back.by, "why": back.why} if back else None,
            "left": self.left,
            "overwritten": asdict(self.overwritten) if self.overwritten else None,
            "versions": self.versions,
            "stale": list(self.stale),
        }


def report(job: OpenJob, patch: Patch, versions: Mapping[str, int] | None = None) -> PatchReport:
    """Report the state of a patch.

    Args:
        job: an ingest job.
        patch: the patch.
        versions: of the tables, if it was just published or rolled back.
    """
    ledger, program = job.ledger, job.program
    history, table = PatchHistory(ledger), program.contract.id
    state, judged = history.state(patch.number), patches.judged_of(ledger, patch.number)
    batch = patches.batch_of(history.decisions, patch.number)
    rows = _rows(ledger, batch) if batch else judged.rows if judged else None
    outdated = stale_tables(program, job.workspace.ledger) if state in ("published", "rolled back") else ()
    first = history.records(batch).firsts() if outdated else {}
    return PatchReport(
        job=ledger.job,
        table=table,
        patch=patch,
        state=state,
        rows=rows,
        refused=(*patch.unrepaired, *(judged.refused if judged else ())),
        batch=batch or None,
        aborted=history.abort_reason(patch.number),
        rolled_back_by=history.rolled_back_by(patch.number),
        left=sum(judged.rows.values()) - sum(rows.values()) if batch and judged and rows else 0,
        overwritten=None if state == "rolled back" else history.overwritten(patch.number),
        versions=versions,
        stale={name: _how_to_replay(job, name, table, first) for name in outdated},
    )


def _how_to_replay(job: OpenJob, derived_table: str, read: str, first: Mapping[int, int]) -> str:
    """The command that recomputes a derived table from before some records of a topic that it reads."""
    derived = job.workspace.ledger(load_program_of_table(derived_table).job.name)
    return anchors.replay_command(derived, anchors.reads_from(read, first))


def _rows(ledger: Ledger, batch: int) -> dict[str, int]:
    """How many rows a batch published, by table: fewer than were judged if another batch moved some first."""
    outputs = ledger.required(BATCHES, batch).outputs
    return {o: sum(f.rows for f in out.files) for o, out in outputs.items()}
