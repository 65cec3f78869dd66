"""Flink and Kafka, each behind one protocol: :class:`Cluster` here, and :mod:`headrace.cluster.kafka`."""

from headrace.cluster.flink_run import FlinkRun
from headrace.cluster.model import (
    Checkpoints,
    CompletedCheckpoint,
    Failure,
    Job,
    JobDetail,
    Slots,
    Split,
    Submission,
    Triggered,
    Vertex,
    event_time,
)
from headrace.cluster.protocol import Cluster
from headrace.cluster.session import SessionCluster

__all__ = [
    "Checkpoints",
    "Cluster",
    "CompletedCheckpoint",
    "Failure",
    "FlinkRun",
    "Job",
    "JobDetail",
    "SessionCluster",
    "Slots",
    "Split",
    "Submission",
    "Triggered",
    "Vertex",
    "event_time",
]
