"""The columns of the two tables that an ingest job writes, for Flink and for Delta."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.contract.model import KAFKA_TIME, ColumnType, Contract

_FLINK = {
    "string": "STRING",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
}


@dataclass(frozen=True)
class TableColumn:
    """One column of a table: its type in both worlds, and whether the table is partitioned by it."""

    name: str
    flink_type: str
    delta_type: str
    nullable: bool = True
    partition: bool = False
    distinct: bool = False
    """Its values hardly repeat: a dictionary of them costs more than it saves."""
    when_needed: bool = False
    """A table has it from its first value on; a file without it holds NULL there."""


PARTITION = TableColumn("_partition", "INT", "integer", nullable=False)
OFFSET = TableColumn("_offset", "BIGINT", "long", nullable=False, distinct=True)
TIME = TableColumn(KAFKA_TIME, "TIMESTAMP_LTZ(3)", "timestamp", nullable=False, distinct=True)


REPAIRED_BY = TableColumn("_repaired_by", "STRING", "string", when_needed=True)
"""Who changed the bytes of a row, where a redrive did. No job writes it."""
KAFKA_MILLIS = TableColumn("_kafka_millis", "BIGINT", "long", when_needed=True)
"""The timestamp of a quarantined record, in milliseconds since 1970, where ``_kafka_time`` cannot hold it."""
WHEN_NEEDED = {c.name: c for c in (REPAIRED_BY, KAFKA_MILLIS)}

WATERMARK = TableColumn("_watermark", "TIMESTAMP_LTZ(3)", "timestamp", nullable=False)


def flink_type(kind: ColumnType) -> str:
    """The Flink type of a contract's column."""
    if kind.kind == "integer":
        return "INT" if kind.bits == 32 else "BIGINT"  # noqa: PLR2004 - the two widths that there are
    if kind.kind == "decimal":
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if kind.kind == "timestamp":
        return f"TIMESTAMP_LTZ({kind.scale})"
    return _FLINK[kind.kind]


def delta_type(kind: ColumnType) -> str:
    """The Delta type of a contract's column."""
    if kind.kind == "integer":
        return "integer" if kind.bits == 32 else "long"  # noqa: PLR2004 - as above
    if kind.kind == "decimal":
        return f"decimal({kind.precision},{kind.scale})"
    return kind.kind


def data_columns(contract: Contract) -> tuple[TableColumn, ...]:
    """The contract's columns, the record's position in the topic, and the partition columns last."""
    return (*_own(contract), PARTITION, OFFSET, TIME, *_partitions(contract))


def derived_columns(contract: Contract) -> tuple[TableColumn, ...]:
    """What a derive job writes: the contract's columns, and the partition columns last."""
    return (*_own(contract), *_partitions(contract))


def late_columns(read: Contract) -> tuple[TableColumn, ...]:
    """A row that came too late for a derive job: as it was read, and the watermark that it missed."""
    return (*_own(read), PARTITION, OFFSET, TIME, WATERMARK)


def _own(contract: Contract) -> tuple[TableColumn, ...]:
    return tuple(
        TableColumn(
            c.name,
            flink_type(c.type),
            delta_type(c.type),
            nullable=not c.required,
            distinct=contract.primary_key == (c.name,),
        )
        for c in contract.columns
    )


def _partitions(contract: Contract) -> tuple[TableColumn, ...]:
    return tuple(
        TableColumn(p.name, "DATE", "date", nullable=False, partition=True) for p in contract.partition_by
    )


def quarantine_columns() -> tuple[TableColumn, ...]:
    """The same for every contract: the untouched bytes, why they are here, and where they came from.

    ``payload`` is NULL for a record without a value, ``field`` for what concerns the whole record, ``rule``
    for what could not be decoded. A Kafka timestamp outside 1970 to 2262 stands in ``_kafka_millis``;
    ``_kafka_time`` and ``_kafka_day`` are then the nearer end of that range.
    """
    return (
        TableColumn("payload", "BYTES", "binary"),
        TableColumn("reason", "STRING", "string", nullable=False),
        TableColumn("field", "STRING", "string"),
        TableColumn("rule", "STRING", "string"),
        TableColumn("contract_version", "STRING", "string", nullable=False),
        TableColumn("_topic", "STRING", "string", nullable=False),
        PARTITION,
        OFFSET,
        TIME,
        KAFKA_MILLIS,
        TableColumn("_kafka_day", "DATE", "date", nullable=False, partition=True),
    )
