"""Anchors of a job: take a savepoint, record it in the ledger, check whether a replay could begin there."""

from __future__ import annotations

from headrace.cluster import Cluster
from headrace.cluster.kafka import Kafka
from headrace.job.assemble import load_program
from headrace.ledger import anchors
from headrace.ledger.anchor_health import Health, health_of
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Anchor
from headrace.savepoint.retained import savepoint_folder


def take_and_record_anchor(
    cluster: Cluster, ledger: Ledger, kafka: Kafka, flink_job: str, why: str
) -> Anchor:
    """Take a savepoint without a pause, and record it."""
    path = cluster.savepoint(flink_job, f"{ledger.warehouse.uri}/{savepoint_folder(ledger.job)}")
    return record_anchor(cluster, ledger, kafka, path, why, adopted=False)


def record_anchor(
    cluster: Cluster, ledger: Ledger, kafka: Kafka, path: str, why: str, *, adopted: bool
) -> Anchor:
    """Record a savepoint in the warehouse as an anchor; any program may have taken it."""
    topics = {c.id: kafka.topic(c.topic) for c in load_program(ledger.job).reads}
    version = cluster.version()
    return anchors.record_savepoint(
        ledger.warehouse, ledger, path, topics, flink=version, why=why, adopted=adopted
    )


def anchor_health(ledger: Ledger, kafka: Kafka, anchor: Anchor) -> Health:
    """Whether a replay could begin at an anchor now, as the store and Kafka show it."""
    log_starts = {}
    for contract in load_program(ledger.job).reads:
        topic = kafka.describe(kafka.topic(contract.topic))
        start = ledger.start(contract.id)
        if start and start.topic_id == topic.id:
            log_starts[contract.id] = topic.log_start
    return health_of(ledger.warehouse, ledger, anchor, log_starts)
