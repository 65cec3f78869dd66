"""The program of an ingest job: one source, its verdict, and two inserts that share each checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace.job.defaults import Default, defaults
from headrace.job.program import Placement, Program
from headrace.table.ddl import (
    SourceFacts,
    data_insert,
    epoch_millis_ddl,
    quarantine_insert,
    source_ddl,
    source_facts,
    verdict_view,
)
from headrace.table.outputs import Output, outputs

SOURCE = "source"
JUDGED = "judged"


@dataclass(frozen=True)
class IngestProgram(Program):
    """One topic into data and quarantine."""

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Quarantine, then data."""
        return outputs(self.contract)

    @property
    def settings(self) -> tuple[Default, ...]:
        """The same for every ingest job."""
        return defaults(self.job.checkpoint_interval)

    @property
    def sources(self) -> dict[str, SourceFacts]:
        """The topic."""
        return {SOURCE: source_facts(self.contract)}

    def tables(self, at: Placement) -> list[str]:
        """The topic, the topic with a verdict on each record, a function, and the sinks."""
        topic = replace(self.contract, topic=at.topic_prefix + self.contract.topic)
        options = at.source_options(self.contract.id)
        source = source_ddl(topic, name=SOURCE, bootstrap=at.bootstrap, options=options)
        judged = verdict_view(self.contract, name=JUDGED, source=SOURCE)
        return [source, judged, epoch_millis_ddl(), *self.sinks(at)]

    def inserts(self) -> list[str]:
        """Data, then quarantine."""
        quarantine, data = self.outputs
        return [
            data_insert(self.contract, source=JUDGED, sink=data.id),
            quarantine_insert(self.contract, source=JUDGED, sink=quarantine.id),
        ]
