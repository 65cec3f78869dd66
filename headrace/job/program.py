"""Turns a declaration and its contracts into the statements that Flink runs. Pure: values in, text out."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.contract.model import Contract
from headrace.job.declaration import Job
from headrace.job.defaults import Default
from headrace.table.ddl import SourceFacts, sink_ddl
from headrace.table.functions import Function
from headrace.table.outputs import Output

PARQUET = {
    "parquet.compression": "ZSTD",
    "parquet.writer.version": "v2",  # 16 % smaller at the same CPU
    "parquet.write.int64.timestamp": "true",
    "parquet.timestamp.time.unit": "micros",
    "parquet.utc-timezone": "true",
}


@dataclass(frozen=True)
class Placement:
    """What differs between submissions of the same program, and therefore is not in its lock."""

    bootstrap: str = ""
    topic_prefix: str = ""
    warehouse: str = "s3://lake"
    submission: str = ""
    claim: int = 0
    numbered_from: int = 0
    """How far a manifest's number is ahead of Flink's checkpoint id: if a start without state continues at
    the frontier, or if an output is new in a restored job."""
    startup: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By contract: options of its source that define where to begin."""

    def source_options(self, contract: str) -> Mapping[str, str]:
        """The options that define where the source of that contract begins."""
        return self.startup.get(contract, {"scan.startup.mode": "earliest-offset"})


@dataclass(frozen=True)
class Program(ABC):
    """Everything that Flink gets, in order. ``contract`` is that of the table the job writes."""

    job: Job
    contract: Contract
    reads: tuple[Contract, ...]
    """The contracts whose topics the job reads."""
    functions: tuple[Function, ...] = field(default=(), kw_only=True)
    """The Python functions that its statements call."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[Output, ...]:
        """The job's outputs, in the order of their commits: the table itself comes last."""

    @property
    @abstractmethod
    def settings(self) -> tuple[Default, ...]:
        """The Flink settings of the job."""

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """Every contract of the job: of what it reads, and of what it writes."""
        return tuple({c.id: c for c in (*self.reads, self.contract)}.values())

    @property
    @abstractmethod
    def sources(self) -> dict[str, SourceFacts]:
        """By table, what decides which rows come from a topic: a compiled plan only has the table's name."""

    @abstractmethod
    def tables(self, at: Placement) -> list[str]:
        """``CREATE TABLE`` and ``CREATE VIEW`` statements for one submission."""

    @abstractmethod
    def inserts(self) -> list[str]:
        """One INSERT per output, in a fixed order: node ids depend on it."""

    def sinks(self, at: Placement) -> list[str]:
        """``CREATE TABLE`` of every output."""
        return [
            sink_ddl(
                output.columns,
                name=output.id,
                key=output.key,
                options={
                    "connector": "staged",
                    "path": f"{at.warehouse}/{output.id}",
                    "output": output.id,
                    "job": self.job.name,
                    "submission": at.submission,
                    "claim": str(at.claim),
                    "numbered-from": str(at.numbered_from),
                    "contract-version": self.contract.version,
                    "distinct": ";".join(c.name for c in output.columns if c.distinct),
                    **({"versions": "true"} if output.versions else {}),
                    **PARQUET,
                },
            )
            for output in self.outputs
        ]

    def statement_set(self) -> str:
        """The inserts as one statement: all outputs share each checkpoint."""
        return "STATEMENT SET BEGIN\n" + "\n".join(f"{insert};" for insert in self.inserts()) + "\nEND"

    def digest(self) -> str:
        """SHA-256 of everything that determines the plan; a lock with another digest is stale."""
        facts: list[Any] = [self.tables(Placement()), self.inserts()]
        facts += [[(d.key, d.value) for d in self.settings]]
        facts += [(f.name, f.path, f.digest) for f in self.functions]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
