"""The tables of one job, with what publishing them needs: ledger, staged manifests, and how to ask Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from headrace.contract.model import Contract
from headrace.errors import LedgerError
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import StagedManifests
from headrace.ledger.records import TopicStart
from headrace.publish.topics import TopicSource
from headrace.table.outputs import Output


class StepHook(Protocol):
    """Called before each step with its name; tests kill a publisher there."""

    def __call__(self, name: str) -> None:
        """Reach ``name``."""


class JobTables:
    """What a job writes, and the ledger that records how far it is published."""

    def __init__(
        self,
        ledger: Ledger,
        contract: Contract,
        outputs: Sequence[Output],
        source: TopicSource,
        step: StepHook = lambda _name: None,
    ) -> None:
        self.ledger, self.contract, self.source, self.step = ledger, contract, source, step
        self.warehouse = ledger.warehouse
        self.outputs = outputs
        self.staged = {o.id: StagedManifests(ledger.warehouse, o.id) for o in outputs}

    @property
    def job(self) -> str:
        """The job's name."""
        return self.ledger.job

    @property
    def start(self) -> TopicStart:
        """Where an ingest job began on its topic, and which topic that was.

        Raises:
            LedgerError: the record is missing.
        """
        start = self.ledger.start()
        if start is None:
            raise LedgerError("the job has manifests and no start record", where=self.ledger.folder)
        return start
