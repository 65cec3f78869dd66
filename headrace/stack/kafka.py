"""The broker of the local stack: Kafka as one KRaft process that is both broker and controller."""

from __future__ import annotations

import base64
import secrets
import subprocess
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from headrace.errors import StackError
from headrace.settings import Settings
from headrace.stack.files import Folder, write_if_changed
from headrace.stack.java import QUICK, jdk
from headrace.stack.ports import HOST
from headrace.stack.processes import Service

_LOG4J = """\
status = error
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
"""


def service(settings: Settings, at: Folder, jars: list[Path]) -> Service:
    """The broker as a process."""
    heap = f"{settings.stack.kafka_heap_mb}m"
    quick = QUICK if settings.stack.short_lived else ["-XX:+UseSerialGC"]
    java = [jdk().tool("java"), f"-Xmx{heap}", *quick, "-XX:+ExitOnOutOfMemoryError"]
    java += [f"-Dlog4j2.configurationFile={at.kafka / 'log4j2.properties'}", "-cp", ":".join(map(str, jars))]
    properties = str(at.kafka / "server.properties")

    def prepare() -> None:
        write_if_changed(at.kafka / "log4j2.properties", _LOG4J)
        write_if_changed(Path(properties), _properties(settings, at))
        if not (at.kafka / "data" / "meta.properties").exists():
            _format_folder([*java, "kafka.tools.StorageTool", "format", "-c", properties])

    return Service(
        "kafka",
        [*java, "kafka.Kafka", properties],
        ready=lambda: answers(settings.kafka.bootstrap),
        ports=("kafka", "kafka_controller"),
        prepare=prepare,
    )


def answers(bootstrap: str) -> bool:
    """Whether a broker describes its cluster."""
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap, bootstrap_timeout_ms=1000, request_timeout_ms=2000
        )
    except (KafkaError, OSError):
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        admin.close()


def _format_folder(argv: list[str]) -> None:
    cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    done = subprocess.run([*argv, f"--cluster-id={cluster}"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"Kafka did not format its folder:\n{done.stdout}{done.stderr}", where=argv[-1])


def _properties(settings: Settings, at: Folder) -> str:
    ports = settings.stack.ports
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{HOST}:{ports.kafka_controller}",
        "listeners": f"PLAINTEXT://{HOST}:{ports.kafka},CONTROLLER://{HOST}:{ports.kafka_controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{ports.kafka}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": at.kafka / "data",
        "auto.create.topics.enable": "false",
        # Kept forever: retention goes by record time, and replayed history would be deleted as it arrives.
        "log.retention.ms": -1,
        "log.retention.bytes": -1,
        # Flink's exactly-once producer asks for 1 h; the broker's default of 15 min refuses it.
        "transaction.max.timeout.ms": 3_600_000,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        # The default takes 128 of our 512 MB at once.
        "log.cleaner.dedupe.buffer.size": 16 << 20,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())
