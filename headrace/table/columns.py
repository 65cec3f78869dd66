"""The columns of the tables that jobs write."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.contract.column_type import BIGINT, BINARY, DATE, INT, MILLIS, STRING, ColumnType
from headrace.contract.model import KAFKA_TIME, Contract


@dataclass(frozen=True)
class TableColumn:
    """One column of a table: its type, and whether the table is partitioned by it."""

    name: str
    type: ColumnType
    nullable: bool = True
    partition: bool = False
    distinct: bool = False
    """Its values rarely repeat: a dictionary of them costs more than it saves."""
    when_needed: bool = False
    """A table has it from its first value on; in a file without it, it is NULL."""


PARTITION = TableColumn("_partition", INT, nullable=False)
OFFSET = TableColumn("_offset", BIGINT, nullable=False, distinct=True)
TIME = TableColumn(KAFKA_TIME, MILLIS, nullable=False, distinct=True)


REPAIRED_BY = TableColumn("_repaired_by", STRING, when_needed=True)
"""What changed the payload of a row, if a redrive did. No job writes it."""
KAFKA_MILLIS = TableColumn("_kafka_millis", BIGINT, when_needed=True)
"""The timestamp of a quarantined record, in milliseconds since 1970, where ``_kafka_time`` cannot hold it."""
WHEN_NEEDED = {c.name: c for c in (REPAIRED_BY, KAFKA_MILLIS)}

WATERMARK = TableColumn("_watermark", MILLIS, nullable=False)


def data_columns(contract: Contract) -> tuple[TableColumn, ...]:
    """The contract's columns, the record's position in the topic, then the partition columns."""
    return (*_own(contract), PARTITION, OFFSET, TIME, *_partitions(contract))


def derived_columns(contract: Contract) -> tuple[TableColumn, ...]:
    """What a derive job writes: the contract's columns, then the partition columns."""
    return (*_own(contract), *_partitions(contract))


def late_columns(read: Contract) -> tuple[TableColumn, ...]:
    """A row that was too late for a derive job: as it was read, with the watermark that it missed."""
    return (*_own(read), PARTITION, OFFSET, TIME, WATERMARK)


def _own(contract: Contract) -> tuple[TableColumn, ...]:
    return tuple(
        TableColumn(
            c.name,
            c.type,
            nullable=not c.required,
            distinct=contract.primary_key == (c.name,),
        )
        for c in contract.columns
    )


def _partitions(contract: Contract) -> tuple[TableColumn, ...]:
    return tuple(TableColumn(p.name, DATE, nullable=False, partition=True) for p in contract.partition_by)


def quarantine_columns() -> tuple[TableColumn, ...]:
    """The same for every contract: the original bytes, why they are here, and where they came from.

    ``payload`` is NULL for a record without a value, ``field`` if the reason concerns the whole record,
    ``rule`` if the record could not be decoded. A Kafka timestamp outside 1970 to 2262 is in
    ``_kafka_millis``; ``_kafka_time`` and ``_kafka_day`` are then the nearer end of that range.
    """
    return (
        TableColumn("payload", BINARY),
        TableColumn("reason", STRING, nullable=False),
        TableColumn("field", STRING),
        TableColumn("rule", STRING),
        TableColumn("contract_version", STRING, nullable=False),
        TableColumn("_topic", STRING, nullable=False),
        PARTITION,
        OFFSET,
        TIME,
        KAFKA_MILLIS,
        TableColumn("_kafka_day", DATE, nullable=False, partition=True),
    )
