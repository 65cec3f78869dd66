"""A contract as a value. Whoever needs a column list takes it from here; nobody else writes one down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

from headrace.contract.column_type import ColumnType

ContractKind = Literal["ingest", "derive"]
"""Which kind of job writes the contract's table: an ingest job from its topic, or a derive job by its SQL."""

Bound = Decimal | date | datetime
"""A minimum or maximum: an exact number, a date, or a moment in UTC."""

KAFKA_TIME = "_kafka_time"
"""The column that holds the record's Kafka timestamp: rules judge by it, never by a clock."""


@dataclass(frozen=True)
class Column:
    """One column: its type and what each single value must keep to.

    Args:
        name: as in the JSON object and in the table.
        type: what its values are.
        required: NULL or absent is an error.
        enum: the only values allowed, in the file's order; empty: any.
        pattern: regular expression that must match the whole value.
        minimum: least value allowed.
        maximum: greatest value allowed.
        min_length: least number of characters (code points) allowed.
        max_length: greatest number of characters (code points) allowed.
        description: for people.
        line: where it stands in the contract file.
    """

    name: str
    type: ColumnType
    required: bool = False
    enum: tuple[str | int, ...] = ()
    pattern: str | None = None
    minimum: Bound | None = None
    maximum: Bound | None = None
    min_length: int | None = None
    max_length: int | None = None
    description: str = ""
    line: int = 0


@dataclass(frozen=True)
class Partition:
    """A partition column, derived from a required date or timestamp column; ``name`` is the derived one."""

    source: str
    transform: Literal["day", "month"]

    @property
    def name(self) -> str:
        """``<source>_<transform>``."""
        return f"{self.source}_{self.transform}"


@dataclass(frozen=True)
class Rule:
    """A promise about one row.

    Args:
        name: what quarantine says when it is false.
        expression: as Flink SQL, rendered from the syntax tree.
        text: as it stands in the contract.
        line: where it stands in the contract file.
    """

    name: str
    expression: str
    text: str
    line: int


@dataclass(frozen=True)
class Late:
    """What a derived table promises about rows that come behind the watermark.

    Args:
        policy: ``amend``: within ``allowed`` they change the result, each changed row a newer version by
            primary key. ``keep``: the result stays, and they go to the late table.
        allowed: how far behind the watermark a row may be and still count; zero for ``keep``.
    """

    policy: Literal["amend", "keep"]
    allowed: timedelta = timedelta()


@dataclass(frozen=True)
class Counts:
    """How a derived table's rows stand for those of the job's first topic; each of these is counted once.

    Args:
        column: integers whose sum is how many are counted; None: each row stands for one.
        at: the column that holds their event time, or where their window begins.
        window: how long the window is; zero where each row keeps its own event time.
    """

    column: str | None
    at: str
    window: timedelta = timedelta()


@dataclass(frozen=True)
class Contract:
    """One topic and its table; or, without a topic, the table that a derive job writes.

    Args:
        kind: which kind of job writes the table; the file's ``physicalType`` says it.
        id: name of the table, of the ingest job and of the file.
        version: ``major.minor.patch``.
        path: the file that it was read from.
        description: its purpose, for people.
        owner: the team to turn to.
        topic: the Kafka topic, before any prefix of an environment; empty for a derived table.
        topic_partitions: how many partitions the topic is made with.
        columns: in the file's order.
        rules: in the file's order.
        primary_key: columns that identify a row, in key order; may be empty.
        event_time: the column that says when it happened.
        watermark_delay: how much disorder derive jobs wait for.
        max_future: how far the event time may be after the Kafka timestamp.
        idle_after: how long a partition may be silent before derive jobs go on without it; None: the job's.
        max_drift: how far a partition may be read ahead of the slowest topic of the job; None: any.
        version_of: columns that say whose newer version each record is; empty: records are events.
        unknown_fields: what becomes of JSON fields that are no column.
        partition_by: how the table is partitioned; may be empty.
        late: what becomes of late rows; None where an ingest job writes the table, which knows no lateness.
        horizon: how far apart in event time two rows may be and still concern each other; for the job's SQL.
        state_ttl: after how long, by the clock, a derive job forgets a key that nothing touches; None: never.
        unbounded_state: why state may grow for ever; empty: it may not.
        counts: how its rows stand for those that were read; None: they do not, or nobody said.
        digest: SHA-256 of the file's bytes, in hex.
    """

    kind: ContractKind
    id: str
    version: str
    path: Path
    description: str
    owner: str
    topic: str
    topic_partitions: int
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    primary_key: tuple[str, ...]
    event_time: str | None
    watermark_delay: timedelta | None
    max_future: timedelta | None
    idle_after: timedelta | None
    max_drift: timedelta | None
    version_of: tuple[str, ...]
    unknown_fields: Literal["ignore", "reject"]
    partition_by: tuple[Partition, ...]
    late: Late | None
    horizon: timedelta | None
    state_ttl: timedelta | None
    unbounded_state: str
    counts: Counts | None
    digest: str

    @property
    def amends(self) -> bool:
        """Whether late rows change rows of the table that stand already."""
        return self.late is not None and self.late.policy == "amend"

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: there is none.
        """
        return {c.name: c for c in self.columns}[name]
