"""The statements of an ingest job, rendered from the contract. Nothing here lists a column by hand.

Times are in UTC because the session's time zone is UTC: so a day is a UTC day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headrace.contract.column_type import BIGINT, BINARY, INT, MILLIS, STRING, ColumnType, DateType
from headrace.contract.model import KAFKA_TIME, Contract, Partition
from headrace.contract.rules import storable_kafka_time, unstorable_millis, verdict_sql
from headrace.contract.sql import identifier, literal
from headrace.table.columns import KAFKA_MILLIS, TableColumn, data_columns, quarantine_columns
from headrace.table.flink import flink_type

FORMAT = "strict-json"
DECODER = "strict_json_rows"
"""The same decoder as a table function."""
EPOCH_MILLIS, INSTANT_OF_MILLIS = "epoch_millis", "instant_of_millis"
"""From a Kafka timestamp to its milliseconds, and back. Flink's own functions end at the year 9999."""

METADATA: Mapping[str, tuple[ColumnType, str]] = {
    "_payload": (BINARY, "value.payload"),
    "_reason": (STRING, "value.reason"),
    "_field": (STRING, "value.field"),
    "_topic": (STRING, "topic"),
    "_partition": (INT, "partition"),
    "_offset": (BIGINT, "offset"),
    KAFKA_TIME: (MILLIS, "timestamp"),
}
"""A record's metadata: the name and type of each column, and the key of the connector or of the format."""

PAYLOADS = (
    TableColumn("_payload", BINARY),
    TableColumn("_topic", STRING, nullable=False),
    TableColumn("_partition", INT, nullable=False),
    TableColumn("_offset", BIGINT, nullable=False),
    TableColumn("_kafka_ms", BIGINT, nullable=False),
)
"""The columns of a file of payloads that are judged again. Times are milliseconds since 1970."""

GOOD = "`_reason` IS NULL AND `_verdict` IS NULL"
_BAD = "`_reason` IS NOT NULL OR `_verdict` IS NOT NULL"


def source_ddl(
    contract: Contract,
    *,
    name: str,
    bootstrap: str,
    options: Mapping[str, str],
    more: Sequence[str] = (),
    key: Sequence[str] = (),
) -> str:
    """``CREATE TABLE`` of the topic: columns are nullable, since a record that cannot be decoded has none.

    With ``key``, each record is a newer version of the row with its key; key columns are then never NULL.

    Args:
        contract: the topic's contract.
        name: the table's name in Flink.
        bootstrap: brokers, ``host:port``.
        options: where to start, and whatever else the caller decides; no secrets. They override the defaults.
        key: the columns of the key, for a topic that is read as versions.
        more: computed columns and a ``WATERMARK FOR …`` clause. Ingest has none: it has no lateness.
    """
    columns = [
        f"{identifier(c.name)} {flink_type(c.type)}{' NOT NULL' if c.name in key else ''}"
        for c in contract.columns
    ]
    if key:
        columns.append(f"PRIMARY KEY ({', '.join(map(identifier, key))}) NOT ENFORCED")
    metadata = [
        f"{identifier(column)} {flink_type(type_)} METADATA FROM {literal(key)} VIRTUAL"
        for column, (type_, key) in METADATA.items()
    ]
    ours = {
        "connector": "kafka",
        "topic": contract.topic,
        "properties.bootstrap.servers": bootstrap,
        **_decoding(contract, versions=bool(key)),
    }
    return _create(name, [*columns, *metadata, *more], {**ours, **options})


def _decoding(contract: Contract, *, versions: bool) -> dict[str, str]:
    """Options that decide which rows a topic's records become."""
    return {
        # By default, the connector also reads records of aborted transactions.
        "properties.isolation.level": "read_committed",
        "format": FORMAT,
        f"{FORMAT}.unknown-fields": contract.unknown_fields,
        **({f"{FORMAT}.versions": "true"} if versions else {}),
    }


@dataclass(frozen=True)
class SourceFacts:
    """Everything that decides which rows come from a topic and that a compiled plan does not contain."""

    topic: str
    unknown_fields: str
    decoding: Mapping[str, str]
    """Options of the connector and the format."""
    columns: Mapping[str, str]
    """Column → its Flink type."""
    timing: Mapping[str, str] = field(default_factory=dict)
    """How event time advances: the contract's durations, by their names there."""

    def to_json(self) -> dict[str, object]:
        """For the lock. The names are the contract's: people read them when one of them changes."""
        own = {"physicalName": self.topic, "unknownFields": self.unknown_fields}
        return {**own, **self.decoding, "columns": dict(self.columns), **self.timing}


def source_facts(contract: Contract, *, versions: bool = False) -> SourceFacts:
    """The facts of a topic whose rows need no event time."""
    decoding = _decoding(contract, versions=versions)
    unknown_fields = decoding.pop(f"{FORMAT}.unknown-fields")
    columns = {c.name: flink_type(c.type) for c in contract.columns}
    return SourceFacts(contract.topic, unknown_fields, decoding, columns)


def payloads_ddl(*, name: str, path: str) -> str:
    """``CREATE TABLE`` of a Parquet file of payloads."""
    return _create(name, _declared(PAYLOADS), {"connector": "filesystem", "path": path, "format": "parquet"})


def decoder_ddl() -> str:
    """``CREATE FUNCTION`` of the decoder, for payloads in a column."""
    return f"CREATE TEMPORARY SYSTEM FUNCTION {DECODER} AS 'headrace.format.StrictJsonRows'"


def epoch_millis_ddl() -> str:
    """``CREATE FUNCTION`` of the conversion from a Kafka timestamp to its milliseconds."""
    return f"CREATE TEMPORARY SYSTEM FUNCTION {EPOCH_MILLIS} AS 'headrace.format.EpochMillis'"


def instant_of_millis_ddl() -> str:
    """``CREATE FUNCTION`` of the reverse conversion."""
    return f"CREATE TEMPORARY SYSTEM FUNCTION {INSTANT_OF_MILLIS} AS 'headrace.format.InstantOfMillis'"


def decoded_view(contract: Contract, *, name: str, payloads: str) -> str:
    """``CREATE VIEW`` of a file of payloads, with the columns of :func:`source_ddl`."""
    row = ", ".join(f"{identifier(c.name)} {flink_type(c.type)}" for c in contract.columns)
    renamed = {c: f"d.{identifier(c)}" for c in ("_reason", "_field")}
    renamed[KAFKA_TIME] = f"{INSTANT_OF_MILLIS}(p.`_kafka_ms`) AS {identifier(KAFKA_TIME)}"
    columns = [f"d.{identifier(c.name)}" for c in contract.columns]
    columns += [renamed.get(c, f"p.{identifier(c)}") for c in METADATA]
    call = f"{DECODER}(p.`_payload`, {literal(f'ROW<{row}>')}, {literal(contract.unknown_fields)})"
    return (
        f"CREATE VIEW {identifier(name)} AS\nSELECT\n  "
        + ",\n  ".join(columns)
        + f"\nFROM {identifier(payloads)} AS p, LATERAL TABLE({call}) AS d"
    )


def sink_ddl(
    columns: Sequence[TableColumn], *, name: str, options: Mapping[str, str], key: Sequence[str] = ()
) -> str:
    """``CREATE TABLE`` of an output, partitioned by its partition columns; with a key, newer rows amend."""
    lines = _declared(columns)
    if key:
        lines.append(f"PRIMARY KEY ({', '.join(map(identifier, key))}) NOT ENFORCED")
    return _create(name, lines, options, [c.name for c in columns if c.partition])


def _declared(columns: Sequence[TableColumn]) -> list[str]:
    """The columns as ``CREATE TABLE`` lists them."""
    return [f"{identifier(c.name)} {flink_type(c.type)}{'' if c.nullable else ' NOT NULL'}" for c in columns]


def verdict_view(contract: Contract, *, name: str, source: str) -> str:
    """``CREATE VIEW`` of the source with ``_verdict``: NULL, or the first broken promise."""
    columns = [identifier(c) for c in (*(c.name for c in contract.columns), *METADATA)]
    verdict = f"{verdict_sql(contract)} AS `_verdict`"
    return f"CREATE VIEW {identifier(name)} AS\n{select([*columns, verdict], source)}"


def data_insert(contract: Contract, *, source: str, sink: str) -> str:
    """``INSERT`` of the rows that keep the contract; ``source`` is a :func:`verdict_view`."""
    return insert(contract, data_columns(contract), source=source, sink=sink, where=GOOD)


def insert(
    contract: Contract, columns: Sequence[TableColumn], *, source: str, sink: str, where: str = ""
) -> str:
    """``INSERT`` of columns of ``source`` by name; partition columns are derived."""
    derived = {p.name: _derived(contract, p) for p in contract.partition_by}
    values = {c.name: derived.get(c.name, identifier(c.name)) for c in columns}
    return _insert(sink, values, source, where)


def quarantine_insert(contract: Contract, *, source: str, sink: str) -> str:
    """``INSERT`` of all other rows; the two conditions are opposites and never NULL."""
    values = {
        "payload": "`_payload`",
        "reason": "COALESCE(`_reason`, SPLIT_INDEX(`_verdict`, ':', 0))",
        "field": "CASE WHEN `_reason` IS NOT NULL THEN `_field`"
        " ELSE NULLIF(SPLIT_INDEX(`_verdict`, ':', 1), '') END",
        # A record that was not decoded has no columns, so its verdict has no meaning.
        "rule": "CASE WHEN `_reason` IS NULL THEN SPLIT_INDEX(`_verdict`, ':', 2) END",
        "contract_version": literal(contract.version),
        KAFKA_TIME: storable_kafka_time(),
        KAFKA_MILLIS.name: unstorable_millis(EPOCH_MILLIS),
        "_kafka_day": f"CAST({storable_kafka_time()} AS DATE)",
    }
    columns = {c.name: values.get(c.name, identifier(c.name)) for c in quarantine_columns()}
    return _insert(sink, columns, source, _BAD)


def _derived(contract: Contract, partition: Partition) -> str:
    """The DATE of a partition column; for a month, its first day."""
    source = identifier(partition.source)
    day = (
        source if isinstance(contract.column(partition.source).type, DateType) else f"CAST({source} AS DATE)"
    )
    return day if partition.transform == "day" else f"FLOOR({day} TO MONTH)"


def _create(
    name: str, lines: Sequence[str], options: Mapping[str, str], partitions: Sequence[str] = ()
) -> str:
    body = ",\n  ".join(lines)
    by = f" PARTITIONED BY ({', '.join(map(identifier, partitions))})" if partitions else ""
    settings = ",\n  ".join(f"{literal(k)} = {literal(v)}" for k, v in sorted(options.items()))
    return f"CREATE TABLE {identifier(name)} (\n  {body}\n){by} WITH (\n  {settings}\n)"


def _insert(sink: str, values: Mapping[str, str], source: str, where: str) -> str:
    names = ", ".join(map(identifier, values))
    columns = [sql if sql == identifier(c) else f"{sql} AS {identifier(c)}" for c, sql in values.items()]
    chosen = f"\nWHERE {where}" if where else ""
    return f"INSERT INTO {identifier(sink)} ({names})\n{select(columns, source)}{chosen}"


def select(columns: Sequence[str], source: str) -> str:
    """``SELECT`` of expressions, one per line."""
    return "SELECT\n  " + ",\n  ".join(columns) + f"\nFROM {identifier(source)}"
