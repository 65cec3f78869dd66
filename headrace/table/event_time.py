"""A topic in event time, for derive jobs: which rows are valid, how time advances, and which rows are late.

Only a valid record advances the watermark: the event time of any other is NULL, which the generator ignores.
An absurd event time is not valid, because the contract compares it with the record's Kafka timestamp.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from headrace.contract.model import Contract, Late
from headrace.contract.rules import verdict_sql
from headrace.contract.sql import identifier, literal, milliseconds
from headrace.table.ddl import GOOD, METADATA, SourceFacts, select, source_ddl, source_facts

EVENT_TIME = "_event_time"
"""The time attribute, in milliseconds; the contract's own column is kept unchanged beside it."""

DIGEST = "_digest"
"""Of a record's columns."""

_ARRIVAL = "_arrival"
"""When a row is read, by the clock: it orders a partition's rows by arrival."""

_OWN = "`_own`"
_NOW = f"CURRENT_WATERMARK({identifier(EVENT_TIME)})"
"""The watermark after the shuffle of a :func:`judged_view`, where it covers all partitions. It may be used
only in the views that read that one: in its own column list, Flink's planner moves it before the shuffle."""


def timed_source_ddl(
    contract: Contract, *, name: str, bootstrap: str, options: Mapping[str, str], job: str
) -> str:
    """``CREATE TABLE`` of the topic with ``_verdict``, ``_event_time`` and a watermark on it.

    Topics with a ``maxDrift`` are read in step: ``job`` names the group in which they wait for each other.

    A topic with ``versionOf`` is a versioned table, for ``FOR SYSTEM_TIME AS OF``. It is not a view with
    ``ROW_NUMBER() … = 1``, as in Flink's documentation: that drops a version that arrives after a newer one.
    """
    verdict = verdict_sql(contract)
    time = identifier(contract.event_time or "")
    delay = literal(contract.watermark_delay or timedelta())
    valid = f"`_reason` IS NULL AND {verdict} IS NULL"
    more = [
        f"`_verdict` AS {verdict}",
        f"{identifier(EVENT_TIME)} AS CAST(CASE WHEN {valid} THEN {time} END AS TIMESTAMP_LTZ(3))",
        f"{identifier(_ARRIVAL)} AS PROCTIME()",
        f"WATERMARK FOR {identifier(EVENT_TIME)} AS {identifier(EVENT_TIME)} - {delay}",
    ]
    ours = _watermark_options(contract, job)
    return source_ddl(
        contract,
        name=name,
        bootstrap=bootstrap,
        options={**ours, **options},
        more=more,
        key=contract.version_of,
    )


def _watermark_options(contract: Contract, job: str) -> dict[str, str]:
    options = {}
    if contract.idle_after is not None:
        options["scan.watermark.idle-timeout"] = milliseconds(contract.idle_after)
    if contract.max_drift is not None:
        options["scan.watermark.alignment.group"] = job
        options["scan.watermark.alignment.max-drift"] = milliseconds(contract.max_drift)
    return options


def timed_source_facts(contract: Contract) -> SourceFacts:
    """:func:`source_facts`, and how its event time advances."""
    durations = {
        "watermarkDelay": contract.watermark_delay,
        "maxFuture": contract.max_future,
        "idleAfter": contract.idle_after,
        "maxDrift": contract.max_drift,
    }
    stated = {name: str(value) for name, value in durations.items() if value is not None}
    return replace(source_facts(contract, versions=bool(contract.version_of)), timing=stated)


def judged_view(contract: Contract, *, name: str, source: str) -> str:
    """``CREATE VIEW`` of the valid rows with ``_own``: the watermark of the row's own partition.

    That is the event time of the partition's newest row so far, minus the delay. It is kept in state, while
    Flink's watermark restarts at every restore: a window that was closed long ago would reopen for a late
    row.

    Versions are judged only by Flink's watermark, where they are read: one more version does no harm.
    """
    columns = [*_columns(contract), identifier(EVENT_TIME)]
    if not contract.version_of:
        newest = f"PARTITION BY `_partition` ORDER BY {identifier(_ARRIVAL)}"
        delay = literal(contract.watermark_delay or timedelta())
        columns.append(f"MAX({identifier(EVENT_TIME)}) OVER ({newest}) - {delay} AS {_OWN}")
    return _view(name, columns, source, GOOD)


def in_time_view(contract: Contract, late: Late, *, name: str, source: str, digest: bool = False) -> str:
    """``CREATE VIEW`` of the rows of a :func:`judged_view` that are not late.

    With ``digest``, records with the same content have the same ``_digest``; this costs CPU time.
    """
    texts = ", ".join(f"CAST({identifier(c.name)} AS STRING)" for c in contract.columns)
    same = [f"SHA256(JSON_ARRAY({texts} NULL ON NULL)) AS {identifier(DIGEST)}"] if digest else []
    columns = [*_columns(contract), identifier(EVENT_TIME), *same]
    in_time = [f"({_NOW} IS NULL OR {identifier(EVENT_TIME)} > {_bound(_NOW, late)})"]
    if not contract.version_of:
        in_time.append(f"{identifier(EVENT_TIME)} > {_bound(_OWN, late)}")
    return _view(name, columns, source, " AND ".join(in_time))


def late_view(contract: Contract, late: Late, *, name: str, source: str) -> str:
    """``CREATE VIEW`` of the rows that are late, with the ``_watermark`` that they missed."""
    marks = [_NOW] if contract.version_of else [_NOW, _OWN]
    further = _NOW if contract.version_of else f"CASE WHEN {_NOW} > {_OWN} THEN {_NOW} ELSE {_OWN} END"
    columns = [*_columns(contract), f"{further} AS `_watermark`"]
    is_late = " OR ".join(f"{identifier(EVENT_TIME)} <= {_bound(mark, late)}" for mark in marks)
    return _view(name, columns, source, is_late)


def _bound(mark: str, late: Late) -> str:
    return f"{mark} - {literal(late.allowed)}" if late.allowed else mark


def _columns(contract: Contract) -> list[str]:
    kept = [name for name in METADATA if name not in ("_payload", "_reason", "_field")]
    return [identifier(c) for c in (*(c.name for c in contract.columns), *kept)]


def _view(name: str, columns: list[str], source: str, where: str) -> str:
    return f"CREATE VIEW {identifier(name)} AS\n{select(columns, source)}\nWHERE {where}"
