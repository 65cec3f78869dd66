"""A contract as a value. It is the only place with a column list; everything else takes it from here."""

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
"""The column with the record's Kafka timestamp: rules compare with it, never with a clock."""


@dataclass(frozen=True)
class Column:
    """One column: its type and the constraints on each value.

    Args:
        name: in the JSON object and in the table.
        type: the type of its values.
        required: a NULL or absent value is an error.
        enum: the only allowed values, in the file's order; if empty, any value is allowed.
        pattern: a regular expression that must match the whole value.
        minimum: the smallest allowed value.
        maximum: the largest allowed value.
        min_length: the minimum number of characters (code points).
        max_length: the maximum number of characters (code points).
        description: for people.
        line: its line in the contract file.
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
        name: quarantine shows it for a row that breaks the rule.
        expression: as Flink SQL, rendered from the syntax tree.
        text: as written in the contract.
        line: its line in the contract file.
    """

    name: str
    expression: str
    text: str
    line: int


@dataclass(frozen=True)
class Late:
    """What a derived table promises about rows that arrive after the watermark has passed them.

    Args:
        policy: ``amend``: within ``allowed`` they change the result, and each changed row is a newer version
            with the same primary key. ``keep``: the result stays, and they go to the late table.
        allowed: how far behind the watermark a row may be and still count; zero for ``keep``.
    """

    policy: Literal["amend", "keep"]
    allowed: timedelta = timedelta()


@dataclass(frozen=True)
class Counts:
    """How a derived table's rows account for those of the job's first topic, each of which is counted once.

    Args:
        column: an integer column whose sum is the number of rows counted; None: each row counts one.
        at: the column with their event time, or with the start of their window.
        window: the length of the window; zero where each row keeps its own event time.
    """

    column: str | None
    at: str
    window: timedelta = timedelta()


@dataclass(frozen=True)
class Contract:
    """One topic and its table; or, without a topic, a table that a derive job writes.

    Args:
        kind: which kind of job writes the table, by the file's ``physicalType``.
        id: the name of the table, of the ingest job and of the file.
        version: ``major.minor.patch``.
        path: the file it was read from.
        description: its purpose, for people.
        owner: the responsible team.
        topic: the Kafka topic, before any prefix of an environment; empty for a derived table.
        topic_partitions: with how many partitions the topic is created.
        columns: in the file's order.
        rules: in the file's order.
        primary_key: the columns that identify a row, in key order; may be empty.
        event_time: the column with the event time.
        watermark_delay: how much disorder derive jobs tolerate.
        max_future: how far the event time may be after the Kafka timestamp.
        idle_after: how long a partition may be silent before derive jobs stop waiting for it; None: the job's
            default.
        max_drift: how far a partition may be read ahead of the slowest topic of the job; None: no limit.
        version_of: the columns that identify the entity of which each record is a newer version; empty:
            records are events.
        unknown_fields: what happens to JSON fields that are not columns.
        partition_by: how the table is partitioned; may be empty.
        late: what happens to late rows; None where an ingest job writes the table: it has no lateness.
        horizon: how far apart in event time two rows may be and still be matched; for the job's SQL.
        state_ttl: the wall-clock time after which a derive job forgets an unused key; None: never.
        unbounded_state: why state may grow without bound; empty: it may not.
        counts: how its rows account for the rows read; None: they do not, or the contract does not say.
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
    def has_topic(self) -> bool:
        """Whether its rows come from records of a topic.

        Each row then has a position in the topic, by which it is counted and replaced, and invalid records go
        to a quarantine beside the table.
        """
        return self.kind == "ingest"

    @property
    def job_has_state(self) -> bool:
        """Whether the job that writes its table keeps state, which no offset restores."""
        return self.kind == "derive"

    @property
    def amends(self) -> bool:
        """Whether late rows change rows that are already in the table."""
        return self.late is not None and self.late.policy == "amend"

    def column(self, name: str) -> Column:
        """The column with that name.

        Raises:
            KeyError: there is no such column.
        """
        return {c.name: c for c in self.columns}[name]
