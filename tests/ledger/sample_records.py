"""Records of a ledger, written by hand: one of each kind, and the few that tests vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.files import Baseline, RecordedFile
from headrace.ledger.records import (
    Anchor,
    BatchOutput,
    CountedFile,
    Done,
    FoldedManifest,
    ForkPoint,
    JudgedPatch,
    Patch,
    PatchBatch,
    PatchKind,
    PatchRollbackBatch,
    PublishBatch,
    Refusal,
    Replay,
    RollbackBatch,
    Size,
    SwapBatch,
    TopicNotes,
)
from headrace.offsets import Span

AT = "2026-11-01T00:00:00+00:00"
MANIFEST = "0000000001-0123456789abcdef"
FORK = ForkPoint(batch=1, manifests={"events": MANIFEST})


def done(number: int = 1, **facts: Any) -> Done:
    """A batch of claim 1 that is in the tables."""
    own: dict[str, Any] = {
        "kind": "publish",
        "batch_digest": "0" * 64,
        "claim": 1,
        "checkpoints": (number, number),
        "heads": {},
        "manifests": {},
        "frontier": {},
        "versions": {},
        "rows": {},
        "written": {},
        "keys": {},
        "since": 1,
        "epochs": {},
        "tails": (),
    }
    return Done(**{**own, "number": number, **facts})


def _batch(number: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {
        "after": None,
        "claim": 1,
        "contract_version": "1.0.0",
        "checkpoints": (number, number),
        "frontier": {},
        "outputs": {},
        "at": AT,
    }
    return {**own, "number": number, **facts}


def publish(number: int = 1, **facts: Any) -> PublishBatch:
    """The next checkpoints of claim 1."""
    return PublishBatch(**_batch(number, {"notes": TopicNotes(), **facts}))


def _at_fork(number: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {
        "fork": FORK,
        "fork_frontier": {0: 10},
        "removed": {},
        "baseline": Baseline(versions={"events": 1}),
        "newest_claim": 1,
        "notes": TopicNotes(),
        "replay": 1,
    }
    return _batch(number, {**own, **facts})


def swap(number: int = 2, **facts: Any) -> SwapBatch:
    """A published replay."""
    return SwapBatch(**_at_fork(number, facts))


def rollback(number: int = 3, **facts: Any) -> RollbackBatch:
    """A replay that is rolled back."""
    return RollbackBatch(**_at_fork(number, {"why": "w", **facts}))


def patch_batch(number: int = 4, **facts: Any) -> PatchBatch:
    """A patch that is published."""
    return PatchBatch(**_batch(number, {"patch": 1, "records": (Span(0, 1, 2),), "why": "w", **facts}))


def patch_rollback_batch(number: int = 5, **facts: Any) -> PatchRollbackBatch:
    """A patch that is rolled back."""
    return PatchRollbackBatch(
        **_batch(number, {"patch": 2, "rolls_back": 1, "records": (Span(0, 1, 2),), "why": "w", **facts})
    )


def file(path: str = "_staged/s1/part-1.parquet", **facts: Any) -> RecordedFile:
    """A file of a batch."""
    own: dict[str, Any] = {"size": 1, "rows": 2, "partition": {}, "statistics": "{}"}
    return RecordedFile(**{**own, "path": path, **facts})


def output(manifests: Sequence[str], files: Sequence[RecordedFile] = ()) -> BatchOutput:
    """What a batch adds to a table."""
    folded = tuple(
        FoldedManifest(
            id=m,
            parent=None,
            checkpoint=int(m.partition("-")[0]),
            output="events",
            claim=1,
            submission="s1",
            contract_version="1.0.0",
        )
        for m in manifests
    )
    return BatchOutput(manifests=folded, files=tuple(files))


def anchor(**facts: Any) -> Anchor:
    """A savepoint of claim 1."""
    own: dict[str, Any] = {
        "path": "s3://lake/savepoint",
        "adopted": False,
        "at": AT,
        "by": "me",
        "why": "",
        "checkpoint": 1,
        "submission": "s1",
        "claim": 1,
        "manifests": {},
        "positions": {"events": {0: 10}},
        "watermarks": {},
        "batch": 1,
        "versions": {},
        "contract_version": "1.0.0",
        "plan": "",
        "flink": "2.3.0",
    }
    return Anchor(**{**own, **facts})


def replay(**facts: Any) -> Replay:
    """A replay that is planned from a savepoint."""
    own: dict[str, Any] = {
        "origin": "anchor 1",
        "why": "why",
        "by": "",
        "at": "",
        "fork": FORK,
        "savepoint": "savepoint",
        "anchor": None,
        "frontier": {0: 10},
        "positions": {},
        "replaces": {"events": Size(files=1, rows=2, bytes=3)},
        "records": 0,
        "contract_version": "1.0.0",
        "program": "program",
        "stale": (),
    }
    return Replay(**{**own, **facts})


def patch(kind: PatchKind = "redrive", **facts: Any) -> Patch:
    """A patch that is requested."""
    own: dict[str, Any] = {
        "origin": "x",
        "why": "why",
        "by": "",
        "at": "",
        "contract_version": "1.0.0",
        "program": "",
        "records": 0,
    }
    return Patch(**{**own, "kind": kind, **facts})


def judged(files: Mapping[str, Sequence[RecordedFile]] | None = None, **facts: Any) -> JudgedPatch:
    """The outcome of a patch's bounded job."""
    own: dict[str, Any] = {
        "submission": "patch-1",
        "after_batch": 1,
        "refused": (Refusal(reason="r", field=None, rule="x", count=1, example="0:1"),),
        "at": AT,
    }
    return JudgedPatch(**{**own, "files": {o: tuple(f) for o, f in (files or {}).items()}, **facts})


def counted_file(**facts: Any) -> CountedFile:
    """A file that a backfill has taken."""
    own: dict[str, Any] = {
        "number": 1,
        "address": "s3://in/a.jsonl",
        "sha256": "0" * 64,
        "modified_ms": 0,
        "at": AT,
        "rows": 2,
    }
    return CountedFile(**{**own, **facts})
