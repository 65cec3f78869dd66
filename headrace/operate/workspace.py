"""One environment, opened once: everything that a command does goes through it.

A test can therefore pass in an in-memory cluster and topics, and patches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from headrace.cluster import Cluster, FlinkRun, SessionCluster
from headrace.cluster.kafka import Brokers, Kafka
from headrace.job.lock import Lock, compile_lock
from headrace.job.program import Program
from headrace.ledger.ledger import Ledger
from headrace.settings import Settings
from headrace.stack import flink as local_flink
from headrace.storage.warehouse import Warehouse, connect
from headrace.verify.topic_scan import KafkaTopic, Topic


class Workspace:
    """The settings of an environment, and what they lead to, each opened when it is first used.

    Args:
        settings: of the environment.
        cluster: the Flink cluster; by default the session cluster that the settings name.
        kafka: the brokers; by default those that the settings name.
        scan: opens a topic for `verify`, by its full name; by default with a consumer of its own.
        compiled: compiles a program to its lock; by default in a fresh process with the given environment.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cluster: Cluster | None = None,
        kafka: Kafka | None = None,
        scan: Callable[[str], Topic] | None = None,
        compiled: Callable[[Program, Mapping[str, str]], Lock] = compile_lock,
    ) -> None:
        self.settings = settings
        self.compiled = compiled
        self._scan = scan or (lambda topic: KafkaTopic(settings.kafka.bootstrap, topic))
        self.cluster = cluster or session_cluster(settings)
        self.kafka = kafka or Brokers(settings.kafka)

    @cached_property
    def warehouse(self) -> Warehouse:
        """Where the tables and the ledgers are."""
        return connect(self.settings.store)

    def topic(self, name: str) -> Topic:
        """A contract's topic as `verify` reads it: by code that publish does not share."""
        return self._scan(self.kafka.topic(name))

    def require_servers(self) -> None:
        """Refuse at once where Kafka or the object store refuses the connection.

        A job's own `main` would report the same, seconds later.

        Raises:
            ClusterError: one does.
        """
        self.kafka.require()
        connect(self.settings.store)

    def ledger(self, job: str) -> Ledger:
        """The ledger of a job."""
        return Ledger(self.warehouse, job)


def session_cluster(settings: Settings) -> SessionCluster:
    """The session cluster of an environment. No JDK is searched for before something is submitted."""
    return SessionCluster(settings.flink.rest, FlinkRun(lambda: local_flink.environment(settings)))
