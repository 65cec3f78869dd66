"""What the contract refused: counts by reason, and single records with their untouched bytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlglot import exp

from headrace.contract.rules import KAFKA_TIME_FIRST, KAFKA_TIME_LAST
from headrace.errors import UsageError
from headrace.offsets import Span
from headrace.positions import Positions
from headrace.read.query import query
from headrace.read.records import rows_of
from headrace.read.tables import open_table
from headrace.read.text import readable, to_json
from headrace.table.columns import KAFKA_MILLIS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.storage.warehouse import Warehouse
    from headrace.table.outputs import Output


REASON_COLUMNS = ("reason", "field", "rule")
Reason = tuple["str | None", ...]
"""Values of these columns."""

_FIRST, _LAST = (
    datetime.fromtimestamp(0, timezone.utc) + timedelta(milliseconds=ms)
    for ms in (KAFKA_TIME_FIRST, KAFKA_TIME_LAST)
)
"""Other times of Kafka are stored in the table as the nearer of these two."""
_ORDER = "_kafka_time, _partition, _offset"


@dataclass(frozen=True)
class ReasonCount:
    """One reason, field and rule, and how often they were met."""

    reason: str
    field: str | None
    rule: str | None
    count: int
    discarded: int
    """How many of them were discarded."""
    first: Any
    last: Any
    example: str
    """The oldest of these records, as ``partition:offset``."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {name: to_json(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class QuarantinedRecord:
    """One quarantined record; ``payload`` is None for a record without a value."""

    position: str
    kafka_time: Any
    reason: str
    field: str | None
    rule: str | None
    contract_version: str | None
    payload: bytes | None
    kafka_millis: int | None = None
    """The record's timestamp where ``kafka_time`` cannot hold it, and is the nearest that it can."""

    def text(self, limit: int) -> str:
        """The payload, escaped, cut after so many bytes (0: whole)."""
        if self.payload is None:
            return "(no payload: a tombstone)"
        part = _cut(self.payload, limit)
        left = len(self.payload) - len(part)
        return readable(part) + (f" … and {left:,} more byte{'' if left == 1 else 's'}" if left else "")

    def to_json(self, limit: int) -> dict[str, Any]:
        """For ``-o json``; the payload is text where it is UTF-8, else hexadecimal digits."""
        facts = {name: to_json(value) for name, value in vars(self).items() if name != "payload"}
        if self.payload is None:
            return facts | {"payload": None, "encoding": None, "bytes": 0}
        part = _cut(self.payload, limit)
        try:
            text, encoding = part.decode(), "utf-8"
        except UnicodeDecodeError:
            text, encoding = part.hex(), "hex"
        return facts | {
            "payload": text,
            "encoding": encoding,
            "bytes": len(self.payload),
            "cut": len(part) < len(self.payload),
        }


def discarded_by_reason(warehouse: Warehouse, table: Output, discarded: Positions) -> Counter[Reason]:
    """How many of the discarded records are in quarantine: a replay may have judged some of them again."""
    rows = rows_of(warehouse, table, None, discarded) if discarded else None
    return Counter(zip(*(rows[c].to_pylist() for c in REASON_COLUMNS), strict=True)) if rows else Counter()


def reasons(warehouse: Warehouse, contract: str, discarded: Mapping[Reason, int]) -> list[ReasonCount]:
    """Why records of a contract are in quarantine, the most frequent reason first.

    Args:
        warehouse: where the table is.
        contract: its id.
        discarded: how many of them were discarded.

    Raises:
        UsageError: the quarantine table was never published.
    """
    name = f"{contract}__quarantine"
    sql = f"""
        SELECT reason, field, rule, count(*) AS n, min(_kafka_time) AS first, max(_kafka_time) AS last,
               first_value(_partition ORDER BY {_ORDER}) AS p, first_value(_offset ORDER BY {_ORDER}) AS o
        FROM {name} GROUP BY reason, field, rule ORDER BY n DESC, reason, field, rule
    """  # noqa: S608 - the name was checked, the rest is constant
    rows = query(warehouse, [name], sql).rows
    return [
        ReasonCount(reason, field, rule, n, discarded.get((reason, field, rule), 0), first, last, f"{p}:{o}")
        for reason, field, rule, n, first, last, p, o in rows
    ]


@dataclass(frozen=True)
class Selection:
    """Which quarantined records; all of them by default."""

    reason: str | None = None
    field: str | None = None
    rule: str | None = None
    at: tuple[Span, ...] = ()
    """Only these positions."""
    since: datetime | None = None
    """Only what Kafka received from then on."""
    until: datetime | None = None
    """Only what Kafka received before that."""

    def __str__(self) -> str:
        """In words, as the ledger keeps it."""
        parts = [f"{name} {value}" for name in ("reason", "field", "rule") if (value := getattr(self, name))]
        parts += [f"at {' '.join(map(str, self.at))}"] if self.at else []
        parts += [f"{n} {t.isoformat()}" for n, t in (("since", self.since), ("until", self.until)) if t]
        return ", ".join(parts) or "all"

    def sql(self) -> str:
        """As a condition."""
        wanted = {"reason": self.reason, "field": self.field, "rule": self.rule}
        tests: list[exp.Condition] = [_column(c).eq(v) for c, v in wanted.items() if v is not None]
        if self.at:
            tests.append(
                exp.or_(
                    *(
                        exp.and_(
                            _column("_partition").eq(s.partition),
                            _column("_offset").between(s.first, s.last),
                        )
                        for s in self.at
                    )
                )
            )
        tests += [_time() >= _literal(self.since)] if self.since else []
        tests += [_time() < _literal(self.until)] if self.until else []
        return str(exp.and_(*tests).sql(dialect="postgres")) if tests else "TRUE"


def records(
    warehouse: Warehouse, contract: str, wanted: Selection | None = None, limit: int = 20
) -> list[QuarantinedRecord]:
    """Quarantined records, the oldest first, at most so many.

    Raises:
        UsageError: the quarantine table was never published.
    """
    millis = _millis(warehouse, contract, otherwise="NULL")
    columns = f"_partition, _offset, _kafka_time, reason, field, rule, contract_version, payload, {millis}"
    rows = _select(
        warehouse, contract, wanted or Selection(), columns, f" ORDER BY {_ORDER} LIMIT {int(limit)}"
    )
    return [QuarantinedRecord(f"{p}:{o}", *rest) for p, o, *rest in rows]


def payloads(warehouse: Warehouse, contract: str, wanted: Selection) -> Iterator[tuple[Any, ...]]:
    """Payload, topic, partition, offset and Kafka's timestamp in milliseconds of each record: streamed.

    They come in no order.

    Raises:
        UsageError: the quarantine table was never published.
    """
    stored = 'CAST("_kafka_time" AS BIGINT) / 1000'  # DataFusion's cast gives microseconds
    millis = _millis(warehouse, contract, otherwise=stored)
    yield from _select(warehouse, contract, wanted, f"payload, _topic, _partition, _offset, {millis}")


def positions(warehouse: Warehouse, contract: str, wanted: Selection) -> Positions:
    """Where these records are.

    Raises:
        UsageError: the quarantine table was never published.
    """
    offsets: dict[int, list[int]] = {}
    for partition, offset in _select(warehouse, contract, wanted, "_partition, _offset"):
        offsets.setdefault(partition, []).append(offset)
    return Positions.union({p: np.array(o, np.int64)} for p, o in offsets.items())


def _select(
    warehouse: Warehouse, contract: str, wanted: Selection, columns: str, more: str = ""
) -> Iterator[tuple[Any, ...]]:
    name = f"{contract}__quarantine"
    sql = f"SELECT {columns} FROM {name} WHERE {wanted.sql()}{more}"  # noqa: S608 - literals are sqlglot's
    return query(warehouse, [name], sql).rows


def _millis(warehouse: Warehouse, contract: str, *, otherwise: str) -> str:
    """SQL: ``_kafka_millis`` of a record, where the table needed that column and the record did."""
    table = open_table(warehouse, f"{contract}__quarantine")
    has_millis = table is not None and KAFKA_MILLIS.name in {f.name for f in table.schema().fields}
    return f'COALESCE("{KAFKA_MILLIS.name}", {otherwise})' if has_millis else otherwise


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _time() -> exp.Column:
    return _column("_kafka_time")


def _literal(moment: datetime) -> exp.Condition:
    if not _FIRST <= moment <= _LAST:
        raise UsageError(
            f"{moment.isoformat()} is not a time of a record in quarantine:"
            f" they are from {_FIRST.isoformat()} to {_LAST.isoformat()}",
            remedy="give a time between these two, or leave it out",
        )
    return exp.cast(exp.Literal.string(moment.astimezone(timezone.utc).isoformat()), "timestamptz")


def _cut(payload: bytes, limit: int) -> bytes:
    """The first bytes, without a character that would be cut in half."""
    if not limit or len(payload) <= limit:
        return payload
    end = limit
    while end > limit - 4 and end > 0 and payload[end] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8: 10xxxxxx goes on
        end -= 1
    return payload[: end or limit]
