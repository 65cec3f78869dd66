"""Prove a table: that each record of its topic, or each row that its job has read, has exactly one home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headrace import project
from headrace.contract.load import load_contract
from headrace.contract.model import Contract
from headrace.errors import NeverPublishedError, NotProvable, UsageError
from headrace.job.assemble import load_program_of_table
from headrace.job.derive import DeriveProgram
from headrace.job.job_file import require_job_file
from headrace.ledger.ledger import Ledger
from headrace.ledger.published import requested_batch
from headrace.ledger.records import DONE
from headrace.operate.parts import cut
from headrace.operate.parts.evidence import LedgerEvidence
from headrace.operate.publish import how_to_publish
from headrace.operate.workspace import Workspace
from headrace.progress import Progress, silent
from headrace.replay.stale import patched_event_times
from headrace.table.outputs import LATE, QUARANTINE
from headrace.verify.conserved import Conservation
from headrace.verify.derived import counting_tables
from headrace.verify.derived import prove as prove_derived
from headrace.verify.findings import Verification
from headrace.verify.ingest import verify as prove_ingest


@dataclass(frozen=True)
class TopicProof:
    """The proof of a topic's table and its quarantine."""

    table: str
    proof: Verification
    """The result: its ``verdict`` is ``proved`` or states what is wrong."""
    unverified_files: tuple[str, ...] = ()
    """Backfilled files that are gone or changed: their rows are counted as the ledger records them."""
    newest_batch: int = 0

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {**self.proof.to_json(), "table": self.table, "unverified_files": list(self.unverified_files)}


@dataclass(frozen=True)
class DerivedProof:
    """The proof of a derived table and the late rows of its job."""

    table: str
    job: str
    proof: Conservation
    """The result: its ``verdict`` is ``proved`` or states what is wrong."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {**self.proof.to_json(), "table": self.table, "job": self.job}


def verify_table(
    workspace: Workspace,
    table: str,
    *,
    batch: int | None = None,
    at: datetime | None = None,
    progress: Progress = silent,
) -> TopicProof | DerivedProof:
    """Prove a table as a batch left it. A proof that fails is a result, not an error.

    Args:
        workspace: of the environment.
        table: any table that a job writes.
        batch: the batch; by default the newest.
        at: a time, instead of a batch: the newest batch at that time.
        progress: called with what is being read.

    Raises:
        UsageError: there is no such table, or no such batch.
        NotProvable: what the proof needs is missing, or no contract declares how its rows count those read.
        ClusterError: Kafka or the object store does not answer.
    """
    if contract := _of_topic(table):
        ledger = workspace.ledger(contract.id)
        if not ledger.newest(DONE):
            require_job_file(contract.id)
        number = requested_batch(ledger, batch, at)
        with _provable(table):
            return _prove_topic(workspace, ledger, contract, table, number, progress)
    program = load_derive_program(table)
    number = requested_batch(workspace.ledger(program.job.name), batch, at)
    with _provable(table):
        require_counted(program, table)
        progress(what=f"verifying {table}")
        return DerivedProof(table, program.job.name, prove_conservation(workspace, program, number))


def require_counted(program: DeriveProgram, table: str) -> None:
    """Refuse a table of the job that the proof of the job's rows does not cover.

    Raises:
        NotProvable: its rows count none that were read, or no contract declares how.
    """
    job, read = program.job.name, program.reads[0].id
    proved = [c.id for c in program.writes if c.counts]
    if proved and table in (*proved, f"{job}{LATE}"):
        return
    others = f"; `headrace verify {proved[0]}` proves {' and '.join(proved)}" if proved else ""
    if not proved or table in {c.id for c in program.writes}:
        contract = table if table in {c.id for c in program.writes} else job
        raise NotProvable(
            f"table {table} cannot be proved: no contract declares how its rows count those that were read",
            where=f"contracts/{contract}.odcs.yaml",
            remedy="if each row that is read is counted once, add counts (a column with the number, or rows),"
            f" eventTime and, for windows, window; pairs and patterns cannot be counted this way{others}",
        )
    raise NotProvable(
        f"table {table} cannot be proved: only rows of the job's first topic, {read}, are counted, and these"
        " are late rows of another one",
        where=f"job {job}",
        remedy=f"its rows are late for {job} only, and are in the table of their own topic{others}",
    )


def prove_conservation(
    workspace: Workspace, program: DeriveProgram, batch: int | None = None
) -> Conservation:
    """The proof for a derive job at its newest batch that can be judged, or at the requested one."""
    job, read, warehouse = program.job.name, program.reads[0], workspace.warehouse
    counting, outputs = counting_tables(job, program.writes), [o.id for o in program.outputs]
    read_ledger = workspace.ledger(read.id)
    at = cut.find(workspace.ledger(job), outputs, read_ledger, batch)
    return prove_derived(warehouse, job, read, counting, at, patched_event_times(read_ledger, read))


def load_derive_program(table: str) -> DeriveProgram:
    """The derive job that writes a table: its result, or late rows.

    Raises:
        UsageError: none does.
    """
    program = load_program_of_table(table)
    if not isinstance(program, DeriveProgram):
        job = program.job.name
        raise UsageError(f"{table} is not derived", where=f"job {job}", remedy=f"headrace verify {job}")
    return program


def _of_topic(table: str) -> Contract | None:
    """The contract of a topic's table or of its quarantine, whether or not it still has a job."""
    name = table.removesuffix(QUARANTINE)
    if name not in project.contract_names():
        return None
    contract = load_contract(name)
    return contract if contract.has_topic else None


@contextmanager
def _provable(table: str) -> Iterator[None]:
    """Report what a proof needs and does not find as a result, not as a wrong use: the table is not provable.

    Raises:
        NotProvable: names what is missing.
    """
    try:
        yield
    except UsageError as e:
        remedy = how_to_publish(e.table) if isinstance(e, NeverPublishedError) else e.remedy
        raise NotProvable(f"table {table} cannot be proved: {e.what}", where=e.where, remedy=remedy) from e


def _prove_topic(
    workspace: Workspace,
    ledger: Ledger,
    contract: Contract,
    table: str,
    batch: int | None,
    progress: Progress,
) -> TopicProof:
    progress(what=f"verifying {table}")
    evidence = LedgerEvidence(ledger, workspace.settings.store, progress)
    proof = prove_ingest(
        ledger.warehouse,
        contract.id,
        workspace.topic(contract.topic),
        evidence,
        batch=batch,
        tick=lambda step, done, total: progress(what=step, completed=done, total=total),
    )
    return TopicProof(table, proof, tuple(evidence.unverified_files), ledger.newest(DONE))
