"""The checkpoints and savepoints that are kept in the warehouse, by submission.

Only a checkpoint with its ``_metadata`` is good: Flink writes that file last.
"""

from __future__ import annotations

from collections.abc import Iterable

from headrace.savepoint.metadata import Checkpoint, parse
from headrace.storage.warehouse import Warehouse


def checkpoint_folder(job: str, submission: str) -> str:
    """The key under which a submission keeps its checkpoints."""
    return f"_flink/{job}/{submission}"


def savepoint_folder(job: str) -> str:
    """The key under which `headrace stop` puts a job's savepoints."""
    return f"_flink/{job}/savepoints"


def of_submission(warehouse: Warehouse, job: str, submission: str) -> list[Checkpoint]:
    """All good checkpoints and savepoints of a submission, oldest first.

    Looks where headrace puts them, and in the cluster's default folder for ``flink stop``.
    """
    checkpoints = []
    for place in (checkpoint_folder(job, submission), savepoint_folder(job), "_flink/savepoints"):
        for key in warehouse.keys(f"{place}/"):
            if key.endswith("/_metadata"):
                checkpoint = read_checkpoint(warehouse, key)
                if checkpoint and checkpoint.submission == submission:
                    checkpoints.append(checkpoint)
    return sorted(checkpoints)


def read_checkpoint(warehouse: Warehouse, key: str) -> Checkpoint | None:
    """Read a ``_metadata`` file; None if it is missing, is not one, or was not written by a job of ours."""
    try:
        raw = warehouse.read(key)
    except FileNotFoundError:
        return None  # a live job retired this checkpoint after it was listed
    return parse(raw, f"{warehouse.uri}/{key.removesuffix('/_metadata')}")


def newest_of(warehouse: Warehouse, job: str, submissions: Iterable[str]) -> Checkpoint | None:
    """The newest good checkpoint of the last of these submissions that has one."""
    for submission in reversed(list(submissions)):
        if own := of_submission(warehouse, job, submission):
            return own[-1]
    return None
