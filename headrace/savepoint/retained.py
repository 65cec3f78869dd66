"""The checkpoints and savepoints that are kept in the warehouse: where they are, and how one is read.

Only a checkpoint with its ``_metadata`` is good: Flink writes that file last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headrace.errors import UsageError
from headrace.savepoint.metadata import Checkpoint, parse
from headrace.storage.warehouse import Warehouse

CLUSTER_SAVEPOINTS = "_flink/savepoints"
"""The cluster's default folder: ``flink stop`` puts the savepoints of any job there."""


def checkpoint_folder(job: str, submission: str) -> str:
    """The key under which a submission keeps its checkpoints."""
    return f"_flink/{job}/{submission}"


def savepoint_folder(job: str) -> str:
    """The key under which `headrace stop` puts a job's savepoints."""
    return f"_flink/{job}/savepoints"


def checkpoints_of_job(warehouse: Warehouse, job: str) -> Iterator[Checkpoint]:
    """All good checkpoints and savepoints that may be of a job, of any submission, in no order.

    The cluster's own folder holds those of other jobs too.
    """
    return _read_below(warehouse, f"_flink/{job}", CLUSTER_SAVEPOINTS)


def checkpoints_of_submission(warehouse: Warehouse, job: str, submission: str) -> list[Checkpoint]:
    """All good checkpoints and savepoints of a submission, oldest first."""
    folders = checkpoint_folder(job, submission), savepoint_folder(job), CLUSTER_SAVEPOINTS
    return sorted(c for c in _read_below(warehouse, *folders) if c.submission == submission)


def newest_checkpoint(warehouse: Warehouse, job: str, submissions: Iterable[str]) -> Checkpoint | None:
    """The newest good checkpoint of the last of these submissions that has one."""
    for submission in reversed(list(submissions)):
        if own := checkpoints_of_submission(warehouse, job, submission):
            return own[-1]
    return None


def _read_below(warehouse: Warehouse, *folders: str) -> Iterator[Checkpoint]:
    for folder in folders:
        for key in warehouse.keys(f"{folder}/"):
            if key.endswith("/_metadata") and (checkpoint := read_checkpoint(warehouse, key)):
                yield checkpoint


def read_checkpoint(warehouse: Warehouse, key: str) -> Checkpoint | None:
    """Read a ``_metadata`` file; None if it is missing, is not one, or was not written by a job of ours."""
    try:
        metadata = warehouse.read(key)
    except FileNotFoundError:
        return None  # a live job retired this checkpoint after it was listed
    return parse(metadata, f"{warehouse.uri}/{key.removesuffix('/_metadata')}")


def read_savepoint(warehouse: Warehouse, path: str) -> Checkpoint:
    """Read the savepoint or checkpoint at an address that a user or a record names.

    Raises:
        UsageError: it is not in the warehouse, or is not a savepoint of ours.
    """
    folder = path.removesuffix("/_metadata").rstrip("/")
    if not folder.startswith(f"{warehouse.uri}/"):
        raise UsageError(
            "a savepoint has to be in the warehouse, where its state is kept",
            where=path,
            remedy=f"copy its whole folder under {warehouse.uri}/_flink/ first",
        )
    try:
        metadata = warehouse.read(f"{folder.removeprefix(f'{warehouse.uri}/')}/_metadata")
    except FileNotFoundError:
        raise UsageError(
            "there is no checkpoint or savepoint here: it has no _metadata",
            where=folder,
            remedy="give the folder that holds _metadata",
        ) from None
    checkpoint = parse(metadata, folder)
    if checkpoint is None:
        raise UsageError(
            "this is not a savepoint of a headrace job, or it is damaged", where=f"{folder}/_metadata"
        )
    return checkpoint


def missing_state_files(warehouse: Warehouse, checkpoint: Checkpoint) -> list[str]:
    """Names of its state files that are gone.

    A savepoint holds its files beside it; an incremental checkpoint shares some with its neighbours.
    """
    around = checkpoint.path.removeprefix(f"{warehouse.uri}/").rpartition("/")[0]
    kept = {key.rpartition("/")[2] for key in warehouse.keys(f"{around}/")}
    return sorted(checkpoint.state_files() - kept)


def delete_savepoint(warehouse: Warehouse, path: str) -> None:
    """Delete a savepoint with all its files; one that is gone already is fine."""
    for key in list(warehouse.keys(f"{path.removeprefix(f'{warehouse.uri}/')}/")):
        warehouse.delete(key)
