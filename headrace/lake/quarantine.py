"""What the contract refused, to look at: counts by reason, and single records with their untouched bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from headrace.lake.query import query, readable, to_json

if TYPE_CHECKING:
    from headrace.lake.store import Warehouse

SHOWN_BYTES = 400

_ORDER = "_kafka_time, _partition, _offset"


@dataclass(frozen=True)
class Reason:
    """One reason, field and rule, and how often they were met."""

    reason: str
    field: str | None
    rule: str | None
    count: int
    first: Any
    last: Any
    example: str
    """The oldest of these records, as ``partition:offset``."""

    def to_json(self) -> dict[str, Any]:
        """As JSON can say it."""
        return {name: to_json(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Refused:
    """One quarantined record; ``payload`` is None for a record without a value."""

    position: str
    kafka_time: Any
    reason: str
    field: str | None
    rule: str | None
    contract_version: str | None
    payload: bytes | None

    def text(self, limit: int) -> str:
        """The payload, escaped, cut after so many bytes (0: whole)."""
        if self.payload is None:
            return "(no payload: a tombstone)"
        part = _cut(self.payload, limit)
        left = len(self.payload) - len(part)
        return readable(part) + (f" … and {left:,} more byte{'' if left == 1 else 's'}" if left else "")

    def to_json(self, limit: int) -> dict[str, Any]:
        """As JSON can say it; the payload is text where it is UTF-8, else hexadecimal digits."""
        found = {name: to_json(value) for name, value in vars(self).items() if name != "payload"}
        if self.payload is None:
            return found | {"payload": None, "encoding": None, "bytes": 0}
        part = _cut(self.payload, limit)
        try:
            said, encoding = part.decode(), "utf-8"
        except UnicodeDecodeError:
            said, encoding = part.hex(), "hex"
        return found | {
            "payload": said,
            "encoding": encoding,
            "bytes": len(self.payload),
            "cut": len(part) < len(self.payload),
        }


def reasons(warehouse: Warehouse, contract: str) -> list[Reason]:
    """Why records of a contract are in quarantine, the most frequent reason first.

    Raises:
        UsageError: the quarantine table was never published.
    """
    name = f"{contract}__quarantine"
    sql = f"""
        SELECT reason, field, rule, count(*) AS n, min(_kafka_time) AS first, max(_kafka_time) AS last,
               first_value(_partition ORDER BY {_ORDER}) AS p, first_value(_offset ORDER BY {_ORDER}) AS o
        FROM {name} GROUP BY reason, field, rule ORDER BY n DESC, reason, field, rule
    """  # noqa: S608 - the name was checked, the rest is constant
    found = query(warehouse, [name], sql).rows
    return [
        Reason(why, field, rule, n, first, last, f"{p}:{o}")
        for why, field, rule, n, first, last, p, o in found
    ]


def records(
    warehouse: Warehouse,
    contract: str,
    *,
    reason: str | None = None,
    field: str | None = None,
    at: tuple[int, int] | None = None,
    limit: int = 20,
) -> list[Refused]:
    """Quarantined records, the oldest first.

    Args:
        warehouse: where the tables are.
        contract: the contract's id.
        reason: only with this reason.
        field: only where this field was the cause.
        at: only the record at this partition and offset.
        limit: at most so many.

    Raises:
        UsageError: the quarantine table was never published.
    """
    name = f"{contract}__quarantine"
    wanted: dict[str, str | int | None] = {"reason": reason, "field": field}
    if at:
        wanted |= {"_partition": at[0], "_offset": at[1]}
    sql = f"""
        SELECT _partition, _offset, _kafka_time, reason, field, rule, contract_version, payload
        FROM {name} WHERE {_where(wanted)} ORDER BY {_ORDER} LIMIT {int(limit)}
    """  # noqa: S608 - literals are written by sqlglot, the name was checked
    return [Refused(f"{p}:{o}", *rest) for p, o, *rest in query(warehouse, [name], sql).rows]


def _where(wanted: dict[str, str | int | None]) -> str:
    tests = [exp.column(c, quoted=True).eq(v) for c, v in wanted.items() if v is not None]
    return str(exp.and_(*tests).sql(dialect="postgres")) if tests else "TRUE"


def _cut(payload: bytes, limit: int) -> bytes:
    """The first bytes, without the half of a character that a cut would leave behind."""
    if not limit or len(payload) <= limit:
        return payload
    end = limit
    while end > limit - 4 and end > 0 and payload[end] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8: 10xxxxxx goes on
        end -= 1
    return payload[: end or limit]
