"""What a derive job becomes: a topic's valid rows in event time, steps as views, the result and late rows.

A row is late when it is more than the contract's allowed lateness behind the watermark. That is judged
before the first step, where the operator still is chained to the source, so both branches see one
watermark: what is not late meets a window that is still open, and no row is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace.contract.model import Contract, Late
from headrace.errors import JobError
from headrace.job.defaults import Default, defaults, lateness
from headrace.job.program import Placement, Program
from headrace.table.ddl import insert
from headrace.table.event_time import in_time_view, late_view, timed_source_ddl
from headrace.table.outputs import Output, derived_outputs
from headrace.table.steps import Step


@dataclass(frozen=True)
class DeriveProgram(Program):
    """The valid rows of a topic into the table of another contract."""

    read: Contract
    steps: tuple[Step, ...]

    @property
    def reads(self) -> tuple[Contract, ...]:
        """The topic's contract."""
        return (self.read,)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The late table, then the result."""
        return derived_outputs(self.contract, self.read)

    @property
    def late(self) -> Late:
        """The contract's word on late rows.

        Raises:
            JobError: the contract is that of a topic.
        """
        if self.contract.late is None:
            raise JobError(
                f"{self.contract.id} is the contract of a topic: an ingest job writes its table",
                where=f"jobs/{self.job.name}.py",
                remedy="give the result a contract of its own, with physicalType: table",
            )
        return self.contract.late

    @property
    def settings(self) -> tuple[Default, ...]:
        """Those of every job, and how long a window stays open for late rows."""
        return (*defaults(self.job.checkpoint_interval), *lateness(self.late))

    def tables(self, at: Placement) -> list[str]:
        """The topic in event time, its rows in time and late, the steps in their order, and the sinks."""
        topic = replace(self.read, topic=at.topic_prefix + self.read.topic)
        source = f"{self.read.id}__topic"
        return [
            timed_source_ddl(
                topic, name=source, bootstrap=at.bootstrap, options=at.source_options(self.read.id)
            ),
            in_time_view(self.read, self.late, name=self.read.id, source=source),
            late_view(self.read, self.late, name=f"{self.read.id}__late", source=source),
            *(step.view() for step in self.steps),
            *self.sinks(at),
        ]

    def inserts(self) -> list[str]:
        """The result, then the late rows."""
        late, result = self.outputs
        return [
            insert(self.contract, result.columns, source=self.steps[-1].name, sink=result.id),
            insert(self.contract, late.columns, source=f"{self.read.id}__late", sink=late.id),
        ]
