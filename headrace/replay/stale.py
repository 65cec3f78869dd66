"""Derived tables computed from rows that were replaced since, and rows that these tables lack."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable

import pyarrow as pa

from headrace import project
from headrace.contract.model import Contract
from headrace.errors import HeadraceError
from headrace.job.declaration import Derive
from headrace.job.job_file import load_job
from headrace.job.program import Program
from headrace.ledger import patches
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import BATCHES, DONE
from headrace.positions import Positions
from headrace.publish.staged_files import read_files
from headrace.read.records import rows_of
from headrace.table.outputs import outputs


def stale_tables(program: Program, ledger_of: Callable[[str], Ledger]) -> tuple[str, ...]:
    """Published tables of derive jobs that read the same topic: they hold the old meaning of its records.

    Args:
        program: of the ingest job whose rows are replaced.
        ledger_of: gives the ledger of a job.
    """
    if not program.contract.has_topic:
        return ()
    tables: list[str] = []
    for name in project.job_names():
        with contextlib.suppress(HeadraceError):  # a broken job file does not concern this replay
            job = load_job(name)
            if isinstance(job, Derive) and program.contract.id in job.reads and ledger_of(name).newest(DONE):
                tables += job.writes
    return tuple(dict.fromkeys(tables))


def patched_event_times(ledger: Ledger, read: Contract) -> dict[int, int]:
    """Count the event times of published rows that patches have published: milliseconds → how many rows.

    No derive job has read them: repaired bytes and rows of files are not in the topic, and a job that ran
    under an older contract left out what a newer one allows.

    The positions come from the patches' own data files: a batch's ``records`` also name those in quarantine.

    Args:
        ledger: of the ingest job.
        read: its contract.
    """
    warehouse, (_, data) = ledger.warehouse, outputs(read)
    files = [
        f.staged
        for _, batch in patches.published(ledger, ledger.decisions())
        for f in ledger.required(BATCHES, batch).outputs[data.id].files
    ]
    if not files or read.event_time is None:
        return {}
    own = Positions.union(f.positions for f in read_files(warehouse, data.id, files, data.columns))
    times = rows_of(warehouse, data, None, own)[read.event_time].cast(pa.timestamp("ms", "UTC"), safe=False)
    return Counter(times.cast(pa.int64()).to_pylist())
