"""The Flink settings of every job, each with the reason why the job sets it; ``plan`` prints them.

Most of Flink's own defaults are chosen for a demo: they retain nothing, pass state between queries, or fail
at the first slow checkpoint. What a job depends on is set by the job itself, never by the cluster that it
happens to run on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from headrace.contract.model import Late
from headrace.contract.sql import milliseconds


@dataclass(frozen=True)
class Default:
    """One Flink option, its value, and why the job sets it: a full clause."""

    key: str
    value: str
    why: str


def lateness(late: Late) -> tuple[Default, ...]:
    """For a derive job: how long a window stays open behind the watermark, and that it emits its changes."""
    if late.policy == "keep":
        return ()
    allowed = milliseconds(late.allowed)
    return (
        Default("table.exec.emit.allow-lateness", allowed, "otherwise a window drops its late rows"),
        Default(
            "table.exec.emit.late-fire.enabled", "true", "otherwise the change by a late row is not emitted"
        ),
        # With a delay, changes that are not emitted when the window is cleaned up are lost.
        Default(
            "table.exec.emit.late-fire.delay", "0 ms", "otherwise the last amendments of a window are lost"
        ),
    )


def workers() -> tuple[Default, ...]:
    """For a job with Python functions.

    CPU-seconds of a million calls, the worker's start included (`python -m bench.functions`, medians
    of 3): by row 12.5, in Flink's bundles of 1,000 17 to 18, in a thread 10.4; by the batch 5.3, in Flink's
    batches of 1,000 12 to 16. The same in SQL: 0.4.
    """
    return (
        Default("python.execution-mode", "process", "thread mode stops at the first NULL of an INT"),
        Default("python.fn-execution.bundle.size", "20000", "it costs a quarter less CPU than Flink's 1,000"),
        Default(
            "python.fn-execution.arrow.batch.size",
            "20000",
            "it costs less than half the CPU of Flink's 1,000",
        ),
    )


SOURCES = (
    Default(
        "scan.topic-partition-discovery.interval",
        "30 s",
        "otherwise a partition added to a topic is only discovered after 5 minutes",
    ),
)
"""Options of each source at every submission. Not in the lock: they change when rows are read, not which."""

MAX_PARALLELISM = 120
"""Fixed from the first run: changing it later loses keyed state. Divisible by 2, 3, 4, 5 and 6."""

CHECKPOINT_TIMEOUT = timedelta(minutes=10)


def defaults(checkpoint_interval: timedelta, state_ttl: timedelta | None = None) -> tuple[Default, ...]:
    """All settings, for a job with that checkpoint interval that forgets an unused key after that time."""
    ms = milliseconds(checkpoint_interval)
    return (
        Default("execution.runtime-mode", "STREAMING", "batch mode commits without barriers"),
        Default("execution.checkpointing.interval", ms, "rows become publishable at a checkpoint"),
        Default("execution.checkpointing.mode", "EXACTLY_ONCE", "a manifest is only complete at a barrier"),
        Default("execution.checkpointing.unaligned.enabled", "false", "an unaligned barrier overtakes files"),
        Default(
            "execution.checkpointing.aligned-checkpoint-timeout",
            "0 ms",
            "otherwise an aligned checkpoint can become unaligned",
        ),
        Default(
            "execution.checkpointing.max-concurrent-checkpoints", "1", "manifests must be sealed in one order"
        ),
        Default(
            "execution.checkpointing.timeout",
            f"{int(CHECKPOINT_TIMEOUT.total_seconds())} s",
            "a slow store must not become a restart loop",
        ),
        Default(
            "execution.checkpointing.tolerable-failed-checkpoints",
            "10",
            "with 0, the first failed checkpoint restarts the job",
        ),
        Default(
            "execution.checkpointing.externalized-checkpoint-retention",
            "RETAIN_ON_CANCELLATION",
            "otherwise a cancelled job deletes its checkpoints",
        ),
        Default(
            "execution.checkpointing.num-retained", "3", "with 1, nothing is left when the newest is damaged"
        ),
        Default(
            "execution.checkpointing.snapshot-compression",
            "false",
            "otherwise the owner of a savepoint cannot be read from it",
        ),
        Default(
            "execution.checkpointing.data-inline-threshold",
            "20 kb",
            "otherwise the owner of a savepoint cannot be read from it",
        ),
        Default("state.backend.type", "rocksdb", "state may outgrow memory; switching later needs a replay"),
        Default("execution.checkpointing.incremental", "true", "a checkpoint writes only what changed"),
        Default("pipeline.max-parallelism", str(MAX_PARALLELISM), "it cannot be changed once there is state"),
        Default(
            "pipeline.operator-chaining.chain-operators-with-different-max-parallelism",
            "false",
            "otherwise a change of parallelism from 1 to 2 changes the operators, and state is lost",
        ),
        Default("pipeline.object-reuse", "true", "the row is not copied between chained operators"),
        Default("table.local-time-zone", "UTC", "days and dates must not depend on a machine"),
        Default(
            "table.plan.compile.catalog-objects", "IDENTIFIER", "the options of tables stay out of the lock"
        ),
        Default(
            "table.optimizer.reuse-optimize-block-with-digest-enabled",
            "true",
            "otherwise the rules of a row are evaluated once per output",
        ),
        Default("table.exec.uid.generation", "PLAN_ONLY", "the ids of operators come from the lock"),
        Default(
            "table.exec.source.idle-timeout", "30 s", "otherwise an idle partition holds back event time"
        ),
        Default(
            "table.exec.state.ttl",
            milliseconds(state_ttl or timedelta()),
            "state expires only if the contract says so",
        ),
        Default("restart-strategy.type", "exponential-delay", "a failing store is retried, ever more slowly"),
        Default("table.dml-sync", "false", "main returns once the job is submitted"),
    )
