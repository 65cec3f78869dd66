"""Flink's configuration: ``config.yaml``, its logging, and how the memory of a process is divided.

The memory is divided here, so that a process starts as one JVM: Flink's scripts start four more to compute
it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from headrace.settings import Settings
from headrace.stack import jvm
from headrace.stack.files import Folder
from headrace.stack.java import QUICK
from headrace.stack.ports import HOST

LOG4J = """\
status = error
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.type = {appender}
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{{ISO8601}} %-5p %c{{1}} %m%n
logger.kafka.name = org.apache.kafka
logger.kafka.level = WARN
logger.pekko.name = org.apache.pekko
logger.pekko.level = WARN
logger.hadoop.name = org.apache.hadoop
logger.hadoop.level = ERROR
logger.types.name = org.apache.flink.api.java.typeutils.TypeExtractor
logger.types.level = WARN
"""
TO_STDOUT = LOG4J.format(appender="Console")
TO_FILE = LOG4J.format(appender="File\nappender.out.fileName = ${sys:log.file}")

_METASPACE_MB = 256
_OVERHEAD_MB = 192
_OFF_HEAP_MB = 128
_NETWORK_MB = 128
_FRAMEWORK_HEAP_MB = 128
_MANAGED_SHARE = 0.3
"""RocksDB and Python workers; Flink's own 0.4 leaves little heap to a process this small."""


@dataclass(frozen=True)
class Memory:
    """How a process of ``total`` MB is divided; what is left over is heap."""

    total: int
    worker: bool

    @property
    def flink(self) -> int:
        """The total without the JVM's own memory."""
        return self.total - _METASPACE_MB - _OVERHEAD_MB

    @property
    def network(self) -> int:
        """Buffers between tasks."""
        return _NETWORK_MB if self.worker else 0

    @property
    def managed(self) -> int:
        """Off-heap memory that Flink manages."""
        return int(self.flink * _MANAGED_SHARE) if self.worker else 0

    @property
    def heap(self) -> int:
        """The Java heap."""
        return self.flink - self.network - self.managed - _OFF_HEAP_MB

    def flags(self, *, short_lived: bool = False) -> list[str]:
        """The same as flags of the JVM."""
        return [
            *(["-XX:+UseG1GC"] if self.worker and not short_lived else QUICK),
            f"-Xmx{self.heap}m",
            f"-XX:MaxDirectMemorySize={_OFF_HEAP_MB + self.network}m",
            f"-XX:MaxMetaspaceSize={_METASPACE_MB}m",
        ]


def config(settings: Settings, at: Folder) -> dict[str, Any]:
    """Flink's ``config.yaml``: addresses of this stack, and defaults that do not lose data.

    Jobs of headrace set what they need themselves; these defaults are for other jobs.
    """
    return {
        "env.java.opts.all": " ".join(jvm.opens()),
        **_addresses(settings),
        **_processes(settings, at),
        **_safe_defaults(f"{settings.store.warehouse}/_flink"),
        "s3.endpoint": settings.store.endpoint,
        "s3.endpoint.region": settings.store.region,
        "s3.path.style.access": True,
        # A file named in the environment: REST and logs show the configuration, so it must not hold secrets.
        "s3.aws.credentials.provider": "com.amazonaws.auth.profile.ProfileCredentialsProvider",
    }


def _addresses(settings: Settings) -> dict[str, Any]:
    ports = settings.stack.ports
    return {
        "jobmanager.rpc.address": HOST,
        "jobmanager.bind-host": HOST,
        "jobmanager.rpc.port": ports.flink_rpc,
        "blob.server.port": str(ports.flink_blob),
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": ports.flink_rest,
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
    }


def _processes(settings: Settings, at: Folder) -> dict[str, Any]:
    stack, worker = settings.stack, Memory(settings.stack.taskmanager_mb, worker=True)
    return {
        "jobmanager.memory.process.size": f"{stack.jobmanager_mb}m",
        "taskmanager.numberOfTaskSlots": stack.slots,
        "taskmanager.cpu.cores": float(stack.slots),
        "taskmanager.memory.framework.heap.size": f"{_FRAMEWORK_HEAP_MB}m",
        "taskmanager.memory.task.heap.size": f"{worker.heap - _FRAMEWORK_HEAP_MB}m",
        "taskmanager.memory.framework.off-heap.size": f"{_OFF_HEAP_MB}m",
        "taskmanager.memory.task.off-heap.size": "0m",
        "taskmanager.memory.network.min": f"{worker.network}m",
        "taskmanager.memory.network.max": f"{worker.network}m",
        "taskmanager.memory.managed.size": f"{worker.managed}m",
        "taskmanager.memory.jvm-metaspace.size": f"{_METASPACE_MB}m",
        "taskmanager.memory.jvm-overhead.min": f"{_OVERHEAD_MB}m",
        "taskmanager.memory.jvm-overhead.max": f"{_OVERHEAD_MB}m",
        "io.tmp.dirs": str(at.flink / "tmp"),
        "web.log.path": str(at.path / "logs" / "jobmanager.log"),
        # A killed TaskManager is detected after two undeliverable heartbeats; a killed JobManager, and a
        # process that hangs, after the timeout.
        "heartbeat.interval": "1 s",
        "heartbeat.timeout": "20 s",
        # How soon a TaskManager retries to reach a JobManager that is not there yet; the default is 10 s.
        "cluster.registration.error-delay": "500 ms",
        "cluster.registration.refused-registration-delay": "500 ms",
        # How old the values of REST may be: by default, states are cached for 3 s, metrics for 10 s.
        "web.refresh-interval": "200 ms",
        "metrics.fetcher.update-interval": "1 s",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
    }


def _safe_defaults(keep: str) -> dict[str, Any]:
    return {
        "parallelism.default": 1,
        "table.local-time-zone": "UTC",
        "state.backend.type": "rocksdb",
        "execution.checkpointing.incremental": True,
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.unaligned.enabled": False,
        "execution.checkpointing.aligned-checkpoint-timeout": "0 s",
        "execution.checkpointing.max-concurrent-checkpoints": 1,
        "execution.checkpointing.num-retained": 3,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.dir": f"{keep}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"{keep}/savepoints",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "10 s",
    }
