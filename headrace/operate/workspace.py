"""One environment, opened once: everything that a command does goes through it.

A test can therefore pass in an in-memory cluster and topics, and patches nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from headrace.cluster import Cluster, FlinkRun, SessionCluster
from headrace.cluster.kafka import Kafka, KafkaSource
from headrace.errors import UsageError
from headrace.job.assemble import load_program
from headrace.job.environment import Environment
from headrace.job.job_file import require_job_file
from headrace.job.program import Program
from headrace.ledger.branch import ByOutput
from headrace.ledger.ledger import Ledger
from headrace.operate.parts.compiler import Compiler, compiler
from headrace.publish.tables import JobTables
from headrace.settings import Settings
from headrace.stack import flink as local_flink
from headrace.verify.topic_scan import KafkaTopic, Topic


class Workspace(Environment):
    """An environment with its cluster and the jobs of the project, each opened when it is first used.

    Args:
        settings: of the environment.
        cluster: the Flink cluster; by default the session cluster that the settings name.
        kafka: the brokers; by default those that the settings name.
        scan: opens a topic for `verify`, by its full name; by default with a consumer of its own.
        compile_program: compiles a program to its lock; by default in a fresh process.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cluster: Cluster | None = None,
        kafka: Kafka | None = None,
        scan: Callable[[str], Topic] | None = None,
        compile_program: Compiler | None = None,
    ) -> None:
        super().__init__(settings, kafka)
        self.compile = compile_program or compiler(settings)
        self._scan = scan or (lambda topic: KafkaTopic(settings.kafka.bootstrap, topic))
        self.cluster = cluster or session_cluster(settings)

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
        _ = self.warehouse  # its first use looks

    def job(self, name: str) -> OpenJob:
        """A job of the project. Its file is only read when its program is needed.

        Raises:
            UsageError: there is no such job.
        """
        require_job_file(name)
        return OpenJob(self, name)

    def ingest_job(self, name: str) -> OpenJob:
        """An ingest job of the project.

        Raises:
            UsageError: there is no such job, or it is a derive job, whose rows are not records of a topic.
        """
        job = self.job(name)
        if not job.program.contract.has_topic:
            raise UsageError(
                f"job {name} writes a derived table: its rows are not records that could be judged again",
                remedy=f"a replay computes them again: headrace anchor ls {name} lists where one can begin",
            )
        return job


class OpenJob:
    """A job of the project in its environment: its program, its ledger and its tables, each opened once."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace, self.name = workspace, name
        self.cluster, self.kafka = workspace.cluster, workspace.kafka

    @cached_property
    def program(self) -> Program:
        """Everything that Flink gets.

        Raises:
            HeadraceError: the job's file, or a file that it names, is wrong.
        """
        return load_program(self.name)

    @cached_property
    def ledger(self) -> Ledger:
        """Its records."""
        return self.workspace.ledger(self.name)

    @cached_property
    def tables(self) -> JobTables:
        """Its tables, for publishing."""
        source = KafkaSource(self.kafka, tuple(c.id for c in self.program.reads))
        return JobTables(self.ledger, self.program.contract, self.program.outputs, source)

    def read_staged(self) -> ByOutput:
        """The manifests of each output that it has staged by now."""
        return {output: staged.read() for output, staged in self.tables.staged.items()}


def session_cluster(settings: Settings) -> SessionCluster:
    """The session cluster of an environment. No JDK is searched for before something is submitted."""
    return SessionCluster(settings.flink.rest, FlinkRun(lambda: local_flink.environment(settings)))
