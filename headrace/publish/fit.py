"""Whether a job's tables, and what is staged for them, can follow what its contracts say now.

Asked before a job is stopped for an edit that no publisher could finish. `run` and `publish` refuse such an
edit as well, but then nothing runs any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.delta.shape import file_differs, table_differs
from headrace.errors import LedgerError
from headrace.ledger.branch import ByOutput
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import StagedManifests
from headrace.ledger.records import Manifest
from headrace.ledger.survey import survey
from headrace.read.tables import open_table
from headrace.storage.warehouse import Warehouse
from headrace.table.outputs import Output


@dataclass(frozen=True)
class Misfit:
    """What one table cannot follow."""

    table: str
    what: str
    """What differs."""
    remedy: str


def misfits(warehouse: Warehouse, ledger: Ledger, outputs: Sequence[Output]) -> list[Misfit]:
    """What keeps the tables of a job, and rows that are staged for them, from following its outputs.

    Raises:
        ClusterError: the object store does not answer.
    """
    head = ledger.head()
    return [
        *(m for output in outputs for m in _table(warehouse, head, output)),
        *_staged(warehouse, ledger, head, outputs),
    ]


def other_key(head: Head, output: Output) -> str:
    """By what newer rows replaced older ones so far, where that is something else now; else empty."""
    was = head.keys.get(output.id)
    if was is None or was == output.key:
        return ""
    return f"{_amends(was)} so far, and {_amends(output.key)} by the contract"


def refuse_other_key(warehouse: Warehouse, head: Head, output: Output) -> None:
    """Refuse another key before a batch is decided: rows would take the place of others than their own.

    Raises:
        LedgerError: newer rows amended the table by other columns so far.
    """
    if differs := other_key(head, output):
        raise LedgerError(
            f"the table has another key than its contract: {differs}",
            where=warehouse.table_uri(output.id),
            remedy="the table is untouched; a contract with another key needs an id of its own",
        )


def _amends(key: Sequence[str]) -> str:
    return f"newer rows replace those of the same {', '.join(key)}" if key else "rows are final"


def _table(warehouse: Warehouse, head: Head, output: Output) -> Iterator[Misfit]:
    table = open_table(warehouse, output.id)
    differ = table_differs(table, output.columns) if table else []
    if differs := other_key(head, output):
        differ.append(differs)
    if differ:
        yield Misfit(
            output.id,
            f"the published table cannot follow: {'; '.join(differ)}",
            "put that back; or leave this contract and its table as they are, and give the new one an id, and"
            " so a job and a table, of its own",
        )


def _staged(warehouse: Warehouse, ledger: Ledger, head: Head, outputs: Sequence[Output]) -> Iterator[Misfit]:
    """Files that publish has still to register, and could not."""
    staged = {o.id: StagedManifests(warehouse, o.id).read() for o in outputs}
    for output in outputs:
        for claim, manifest in _first_of_each(ledger, head, staged, output.id).items():
            path = f"{output.id}/{manifest.files[0].path}"
            with pq.ParquetFile(pa.BufferReader(warehouse.read(path))) as file:
                differ = file_differs(file, output.columns)
            if differ:
                yield Misfit(
                    output.id,
                    f"rows that claim {claim} has staged are not published yet, and cannot follow:"
                    f" {'; '.join(differ)}",
                    f"put that back, and `headrace publish {ledger.job}`; or leave them:"
                    f" `headrace branch set-aside {ledger.job} {claim} --why TEXT`",
                )


def _first_of_each(ledger: Ledger, head: Head, staged: ByOutput, output: str) -> Mapping[int, Manifest]:
    """By claim that publish will take from, its first manifest with files: one program wrote them all."""
    ahead = [b for b in survey(ledger, head, staged) if b.state == "ahead"]
    with_files = {b.claim.number: [m for m in b.manifests.get(output, []) if m.files] for b in ahead}
    return {claim: manifests[0] for claim, manifests in with_files.items() if manifests}
