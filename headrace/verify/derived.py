"""Proof that a derive job conserves: rows read are rows counted, plus rows late, plus rows waiting.

Compared window by window (or by event time, where each row stands for one), so that a missing row in one does
not balance a surplus row in another. A window that the watermark has passed is complete: whatever is not
counted in it by then is missing. No code is shared with publish: rows come from the tables, what was read and
how far event time had come from Flink's own checkpoint.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import QueryBuilder

from headrace.errors import NeverPublishedError, UsageError
from headrace.read.tables import open_table, tables_at_batch
from headrace.verify.balance import MS, balance, in_windows
from headrace.verify.conserved import Conservation, Cut, Imbalance, RowGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from deltalake import DeltaTable

    from headrace.contract.model import Contract, Counts
    from headrace.storage.warehouse import Warehouse

NONE_YET = -(1 << 63)
"""Flink's watermark before the first one."""
READ, LATE, COUNTED = "rows_read", "rows_late", "rows_counted_{n}"
"""Names of the tables in the statements below."""
GROUPS = """
SELECT "at", sum("arrived") AS "arrived", sum("late") AS "late", sum("counted") AS "counted"
FROM ({parts}) GROUP BY "at" ORDER BY "at" DESC
"""
LATE_TWICE = """
SELECT "_partition", "_offset", count(*) AS "n" FROM rows_late
GROUP BY "_partition", "_offset" HAVING count(*) > 1 ORDER BY "_partition", "_offset"
"""
LATE_FROM_NOWHERE = """
SELECT l."_partition", l."_offset" FROM rows_late AS l
LEFT ANTI JOIN (SELECT "_partition", "_offset" FROM rows_read WHERE {was_read}) AS i
  ON l."_partition" = i."_partition" AND l."_offset" = i."_offset"
ORDER BY l."_partition", l."_offset"
"""


def counting_tables(job: str, writes: Sequence[Contract]) -> dict[str, Counts]:
    """The tables of a job that declare what they count: each row that it reads is in exactly one of them.

    Raises:
        UsageError: none does, or they do not agree on the window.
    """
    counting = {c.id: c.counts for c in writes if c.counts}
    where = ", ".join(f"contracts/{c.id}.odcs.yaml" for c in writes if c.counts or not counting)
    if not counting:
        raise UsageError(
            "no table of the job declares how its rows count those that were read",
            where=where,
            remedy="if each row that is read is counted once, add counts (a column with the number, or rows),"
            " eventTime and, for windows, window; pairs and patterns cannot be counted this way",
        )
    if len({counts.window for counts in counting.values()}) > 1:
        raise UsageError(
            "tables of the job count in different windows",
            where=where,
            remedy=f"each row that {job} reads must be counted in exactly one table that declares counts:"
            " remove it from those that count the same rows again",
        )
    return counting


def prove(
    warehouse: Warehouse,
    job: str,
    read: Contract,
    counting: Mapping[str, Counts],
    cut: Cut,
    patched: Mapping[int, int] | None = None,
) -> Conservation:
    """Compare the tables of a derive job, as a batch left them, with the rows that it had read by then.

    Args:
        warehouse: where the tables are.
        job: the job's name.
        read: the contract of its first topic; its published table must hold all that the cut has read.
        counting: its tables that are :func:`counting_tables`.
        cut: how far the job had come at the batch.
        patched: event time in milliseconds → rows of the table that patches added: no job read them there,
            so they may be missing here.

    Raises:
        UsageError: the tables cannot be read as the batch left them.
        ClusterError: the object store does not answer.
    """
    (window,) = {counts.window for counts in counting.values()}
    engine, late = QueryBuilder(), f"{job}__late"
    tables = tables_at_batch(warehouse, job, [late, *counting], cut.batch)
    tables[read.id] = _open_published(warehouse, read.id)
    registered = _register(engine, tables, read.id, late, counting)
    present = {name: counts for name, counts in counting.items() if name in tables}
    groups = _groups(
        engine,
        read.event_time or "",
        _by_name(registered, present),
        window,
        _read_condition(cut),
        late=late in tables,
    )
    watermark = min(cut.watermarks[name] for name in counting)
    sums, broken = balance(groups, window, watermark, in_windows(patched or {}, window))
    imbalances = list(_late_rows(engine, late, _read_condition(cut))) if late in tables else []
    return Conservation(
        table=job,
        read=read.id,
        cut=cut,
        versions={name: int(table.version()) for name, table in tables.items()},
        watermark=None if watermark == NONE_YET else watermark,
        counted_in=dict.fromkeys(counting, 0) | _sums(engine, registered, present),
        **sums,
        findings=(*broken, *imbalances),
    )


def _register(
    engine: QueryBuilder, tables: Mapping[str, DeltaTable], read: str, late: str, counting: Iterable[str]
) -> dict[str, str]:
    """Register the tables with the engine; returns each table's name in the statements."""
    names = {read: READ, late: LATE, **{name: COUNTED.format(n=n) for n, name in enumerate(counting)}}
    for name, table in tables.items():
        engine.register(names[name], table)
    return names


def _open_published(warehouse: Warehouse, name: str) -> DeltaTable:
    table = open_table(warehouse, name)
    if table is None:
        raise NeverPublishedError(name, where=warehouse.table_uri(name))
    return table


def _read_condition(cut: Cut) -> str:
    """The condition on a row of the topic that the job had read it."""
    ends = [(p, cut.starts.get(p, 0), end) for p, end in sorted(cut.positions.items())]
    spans = [
        f'("_partition" = {p} AND "_offset" >= {first} AND "_offset" < {end})'
        for p, first, end in ends
        if first < end
    ]
    return " OR ".join(spans) or "FALSE"


def _groups(
    engine: QueryBuilder,
    event_time: str,
    tables: Mapping[str, Counts],
    window: timedelta,
    was_read: str,
    *,
    late: bool,
) -> Iterator[RowGroup]:
    """How many rows of each window, or event time, were read, are late and are counted; the newest first."""
    at = _group_start(event_time, window)
    parts = [f"SELECT {at}, 1 AS arrived, 0 AS late, 0 AS counted FROM {READ} WHERE {was_read}"]  # noqa: S608
    if late:
        parts.append(f"SELECT {at}, 0, 1, 0 FROM {LATE}")  # noqa: S608
    for name, counts in tables.items():
        at, number = _group_start(counts.at, window), _count_expression(counts)
        parts.append(f"SELECT {at}, 0, 0, {number} FROM {name}")  # noqa: S608
    for row in _rows(engine, GROUPS.format(parts=" UNION ALL ".join(parts))):
        yield RowGroup(row["at"], row["arrived"], row["late"], row["counted"])


def _count_expression(counts: Counts) -> str:
    """How many of the rows that were read one row of the table represents."""
    return "1" if counts.column is None else f'CAST("{counts.column}" AS BIGINT)'


def _by_name(registered: Mapping[str, str], counting: Mapping[str, Counts]) -> dict[str, Counts]:
    return {registered[name]: counts for name, counts in counting.items()}


def _sums(
    engine: QueryBuilder, registered: Mapping[str, str], counting: Mapping[str, Counts]
) -> dict[str, int]:
    """How many rows each of these tables counts."""
    return {name: _sum(engine, registered[name], counts) for name, counts in counting.items()}


def _sum(engine: QueryBuilder, table: str, counts: Counts) -> int:
    (row,) = _rows(engine, f'SELECT sum({_count_expression(counts)}) AS "n" FROM {table}')  # noqa: S608
    return row["n"] or 0


def _group_start(column: str, window: timedelta) -> str:
    """Where a row's window begins, in milliseconds; Flink's event time is cut to these too.

    Twice the remainder: SQL's has the sign of the dividend, and there was time before 1970.
    """
    us = f'CAST("{column}" AS BIGINT)'
    length = max(window, MS) // timedelta(microseconds=1)
    return f'({us} - (({us} % {length}) + {length}) % {length}) / 1000 AS "at"'


def _late_rows(engine: QueryBuilder, late: str, was_read: str) -> Iterator[Imbalance]:
    for row in _rows(engine, LATE_TWICE):
        yield Imbalance("late twice", f"{late}, record {row['_partition']}:{row['_offset']}", row["n"] - 1)
    for row in _rows(engine, LATE_FROM_NOWHERE.format(was_read=was_read)):
        yield Imbalance("late from nowhere", f"{late}, record {row['_partition']}:{row['_offset']}", 1)


def _rows(engine: QueryBuilder, sql: str) -> Iterator[dict[str, Any]]:
    for batch in pa.RecordBatchReader.from_stream(engine.execute(sql)):
        yield from batch.to_pylist()
