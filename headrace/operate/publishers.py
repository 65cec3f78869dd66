"""The publishers of a job: for what it staged, for its replays, and for its patches."""

from __future__ import annotations

from headrace.cluster.kafka import KafkaSource
from headrace.job.assemble import named
from headrace.operate.workspace import Workspace
from headrace.publish.patch import Patcher
from headrace.publish.publisher import Publisher
from headrace.publish.replace import Replacer
from headrace.publish.tables import JobTables


def publisher(workspace: Workspace, job: str) -> Publisher:
    """The publisher for what a job has staged."""
    return Publisher(_tables(workspace, job))


def replacer(workspace: Workspace, job: str) -> Replacer:
    """The publisher for a job's replays."""
    return Replacer(_tables(workspace, job))


def patcher(workspace: Workspace, job: str) -> Patcher:
    """The publisher for a job's patches."""
    return Patcher(_tables(workspace, job))


def _tables(workspace: Workspace, job: str) -> JobTables:
    program = named(job)
    source = KafkaSource(workspace.kafka, tuple(c.id for c in program.reads))
    return JobTables(workspace.warehouse, program.contract, program.outputs, source)
