"""The publishers of a job: of what it staged, of its replays, and of its patches."""

from __future__ import annotations

from typing import TypeVar

from headrace.cluster.kafka import Source
from headrace.job.assemble import named
from headrace.operate.workspace import Workspace
from headrace.publish.patch import Patcher
from headrace.publish.publisher import Publisher
from headrace.publish.replace import Replacer

P = TypeVar("P", bound=Publisher)


def publisher(workspace: Workspace, job: str) -> Publisher:
    """The publisher of what a job has staged."""
    return _of_kind(Publisher, workspace, job)


def replacer(workspace: Workspace, job: str) -> Replacer:
    """The publisher of a job's replays."""
    return _of_kind(Replacer, workspace, job)


def patcher(workspace: Workspace, job: str) -> Patcher:
    """The publisher of a job's patches."""
    return _of_kind(Patcher, workspace, job)


def _of_kind(kind: type[P], workspace: Workspace, job: str) -> P:
    program = named(job)
    source = Source(workspace.kafka, tuple(c.id for c in program.reads))
    return kind(workspace.warehouse, program.contract, program.outputs, source)
