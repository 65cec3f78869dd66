"""Taking an anchor: a savepoint of the running job, written into its ledger."""

from __future__ import annotations

from headrace import settings
from headrace.cluster import flink, kafka
from headrace.job.assemble import named
from headrace.lake import anchors
from headrace.lake.anchors import Anchor, Health
from headrace.lake.checkpoints import savepoints
from headrace.lake.ledger import Ledger
from headrace.lake.store import connect


def take(job: str, flink_job: str, why: str) -> Anchor:
    """Take a savepoint without a pause, and record it."""
    env = settings.load()
    path = flink.savepoint(env.flink.rest, flink_job, f"{env.store.warehouse}/{savepoints(job)}")
    return record(job, path, why, adopted=False)


def record(job: str, path: str, why: str, *, adopted: bool) -> Anchor:
    """Record a savepoint that lies in the warehouse, whoever made it."""
    env = settings.load()
    topics = {c.id: env.kafka.topic(c.topic) for c in named(job).reads}
    warehouse = connect(env.store)
    version = flink.overview(env.flink.rest).version
    return anchors.record(
        warehouse, Ledger(warehouse, job), path, topics, flink=version, why=why, adopted=adopted
    )


def examine(job: str, number: int) -> tuple[Anchor, Health]:
    """Look whether a replay could begin at an anchor now."""
    env, warehouse = settings.load(), connect(settings.load().store)
    ledger = Ledger(warehouse, job)
    anchor = anchors.one(ledger, number)
    starts = {}
    for contract in named(job).reads:
        topic = kafka.describe(env.kafka.bootstrap, env.kafka.topic(contract.topic))
        begun = ledger.start(contract.id)
        if begun and begun["topic_id"] == topic.id:
            starts[contract.id] = topic.log_start
    return anchor, anchors.examine(warehouse, ledger, anchor, starts)
