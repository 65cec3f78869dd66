"""The settings of an environment, and the brokers, warehouse and ledgers that they lead to.

This is all that a job's own `main` needs; :class:`headrace.operate.Workspace` adds the cluster.
"""

from __future__ import annotations

from functools import cached_property

from headrace import settings
from headrace.cluster.kafka import Brokers, Kafka
from headrace.ledger.ledger import Ledger
from headrace.storage.warehouse import Warehouse, connect


class Environment:
    """Settings, brokers and warehouse, each opened when it is first used.

    Args:
        settings: of the environment.
        kafka: the brokers; by default those that the settings name.
    """

    def __init__(self, settings: settings.Settings, kafka: Kafka | None = None) -> None:
        self.settings = settings
        self.kafka = kafka or Brokers(settings.kafka)

    @cached_property
    def warehouse(self) -> Warehouse:
        """Where the tables and the ledgers are."""
        return connect(self.settings.store)

    def ledger(self, job: str) -> Ledger:
        """The ledger of a job, whether or not the project still declares it."""
        return Ledger(self.warehouse, job)


def open_environment() -> Environment:
    """The environment of this process.

    Raises:
        UsageError: its settings cannot be read.
    """
    return Environment(settings.load())
