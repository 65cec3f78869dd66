"""The program of a derive job: topics' valid rows in event time, steps as views, the results and late rows.

A row is late if it is more than the contract's allowed lateness behind the watermark. That is decided once,
before the first step, so that both branches see the same watermark, and no later operator is ahead of it: a
row that is not late finds its window still open, and no row is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace.contract.model import Contract, Late
from headrace.job.defaults import Default, defaults, lateness, workers
from headrace.job.program import Placement, Program
from headrace.table.ddl import SourceFacts, insert
from headrace.table.event_time import (
    DIGEST,
    in_time_view,
    judged_view,
    late_view,
    timed_source_ddl,
    timed_source_facts,
)
from headrace.table.outputs import Output, derived_outputs
from headrace.table.steps import SqlStep


@dataclass(frozen=True)
class DeriveProgram(Program):
    """Writes valid rows of topics into the tables of other contracts; ``contract`` is the first of these."""

    steps: tuple[SqlStep, ...]
    writes: tuple[Contract, ...]
    late: Late

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """Of the topics, and of every result."""
        return (*self.reads, *self.writes)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The late tables, then the results."""
        return derived_outputs(self.writes, self.reads)

    @property
    def settings(self) -> tuple[Default, ...]:
        """The settings of every job, of windows for late rows, and of Python workers."""
        every = defaults(self.job.checkpoint_interval, self.contract.state_ttl)
        return (*every, *lateness(self.late), *(workers() if self.functions else ()))

    @property
    def sources(self) -> dict[str, SourceFacts]:
        """The topics."""
        return {_source(read): timed_source_facts(read) for read in self.reads}

    def tables(self, at: Placement) -> list[str]:
        """Each topic in event time, its rows in time and late, the steps in their order, and the sinks."""
        topics = [statement for read in self.reads for statement in self._topic(read, at)]
        return [*topics, *(step.view() for step in self.steps), *self.sinks(at)]

    def _topic(self, read: Contract, at: Placement) -> list[str]:
        source, judged = _source(read), f"{read.id}__judged"
        options = at.source_options(read.id)
        topic = replace(read, topic=at.topic_prefix + read.topic)
        digest = any(DIGEST in step.sql for step in self.steps)
        return [
            timed_source_ddl(topic, name=source, bootstrap=at.bootstrap, options=options, job=self.job.name),
            judged_view(read, name=judged, source=source),
            in_time_view(read, self.late, name=read.id, source=judged, digest=digest),
            late_view(read, self.late, name=f"{read.id}__late", source=judged),
        ]

    def inserts(self) -> list[str]:
        """The results, each produced by one of the last steps, in that order; then the late rows."""
        late, results = self.outputs[: len(self.reads)], self.outputs[len(self.reads) :]
        making = self.steps[-len(self.writes) :]
        return [
            *(
                insert(contract, output.columns, source=step.name, sink=output.id)
                for contract, output, step in zip(self.writes, reversed(results), making, strict=True)
            ),
            *(
                insert(self.contract, output.columns, source=f"{read.id}__late", sink=output.id)
                for output, read in zip(late, self.reads, strict=True)
            ),
        ]


def _source(read: Contract) -> str:
    return f"{read.id}__topic"
