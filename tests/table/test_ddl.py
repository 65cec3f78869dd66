"""DDL and inserts: rendered from the contract, and the two inserts share the records out between them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.contract.column_type import BIGINT, DATE, INT, MILLIS
from headrace.contract.load import load
from headrace.contract.model import Contract, Partition
from headrace.contract.rules import verdict_sql
from headrace.table.columns import TableColumn, data_columns, quarantine_columns
from headrace.table.ddl import data_insert, quarantine_insert, sink_ddl, source_ddl, verdict_view
from headrace.table.delta import delta_type
from headrace.table.flink import flink_type

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def flights() -> Contract:
    """The demo's contract, partitioned by day whatever the demo does."""
    contract = load(ROOT / "contracts" / "flights.odcs.yaml")
    return replace(contract, partition_by=(Partition("scheduled_departure", "day"),))


def options(ddl: str) -> dict[str, str]:
    return dict(re.findall(r"'([^']*)' = '([^']*)'", ddl.partition(" WITH (")[2]))


def test_data_columns_are_the_contracts_then_the_position_then_the_partitions(flights: Contract) -> None:
    columns = data_columns(flights)
    assert [c.name for c in columns[: len(flights.columns)]] == [c.name for c in flights.columns]
    assert columns[len(flights.columns) :] == (
        TableColumn("_partition", INT, nullable=False),
        TableColumn("_offset", BIGINT, nullable=False, distinct=True),
        TableColumn("_kafka_time", MILLIS, nullable=False, distinct=True),
        TableColumn("scheduled_departure_day", DATE, nullable=False, partition=True),
    )
    assert [c.name for c in columns if c.distinct] == ["flight_id", "_offset", "_kafka_time"]
    types = {c.name: (flink_type(c.type), delta_type(c.type).type, c.nullable) for c in columns}
    assert types["flight_id"] == ("STRING", "string", False)
    assert types["flight_number"] == ("INT", "integer", False)
    assert types["distance"] == ("BIGINT", "long", False)
    assert types["distance_km"] == ("DECIMAL(7, 1)", "decimal(7,1)", False)
    assert types["ground_speed_mph"] == ("DOUBLE", "double", True)
    assert types["cancelled"] == ("BOOLEAN", "boolean", False)
    assert types["flight_date"] == ("DATE", "date", False)
    assert types["departure"] == ("TIMESTAMP_LTZ(6)", "timestamp", True)


def test_quarantine_columns() -> None:
    assert [(c.name, flink_type(c.type), c.nullable) for c in quarantine_columns()] == [
        ("payload", "BYTES", True),
        ("reason", "STRING", False),
        ("field", "STRING", True),
        ("rule", "STRING", True),
        ("contract_version", "STRING", False),
        ("_topic", "STRING", False),
        ("_partition", "INT", False),
        ("_offset", "BIGINT", False),
        ("_kafka_time", "TIMESTAMP_LTZ(3)", False),
        ("_kafka_millis", "BIGINT", True),
        ("_kafka_day", "DATE", False),
    ]
    assert [c.name for c in quarantine_columns() if c.when_needed] == ["_kafka_millis"]
    assert [c.name for c in quarantine_columns() if c.partition] == ["_kafka_day"]


def test_source(flights: Contract) -> None:
    ddl = source_ddl(
        flights, name="source", bootstrap="b:1", options={"scan.startup.mode": "earliest-offset"}
    )
    assert options(ddl) == {
        "connector": "kafka",
        "topic": "flights",
        "properties.bootstrap.servers": "b:1",
        "properties.isolation.level": "read_committed",
        "format": "strict-json",
        "strict-json.unknown-fields": "ignore",
        "scan.startup.mode": "earliest-offset",
    }
    assert "NOT NULL" not in ddl, "a record that cannot be decoded has no columns"
    assert "WATERMARK" not in ddl
    lines = [line.strip().rstrip(",") for line in ddl.splitlines()]
    assert lines[1 : len(flights.columns) + 1][3] == "`flight_number` INT"
    assert lines[len(flights.columns) + 1 : len(flights.columns) + 8] == [
        "`_payload` BYTES METADATA FROM 'value.payload' VIRTUAL",
        "`_reason` STRING METADATA FROM 'value.reason' VIRTUAL",
        "`_field` STRING METADATA FROM 'value.field' VIRTUAL",
        "`_topic` STRING METADATA FROM 'topic' VIRTUAL",
        "`_partition` INT METADATA FROM 'partition' VIRTUAL",
        "`_offset` BIGINT METADATA FROM 'offset' VIRTUAL",
        "`_kafka_time` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL",
    ]


def test_the_format_gets_the_policy_for_unknown_fields(flights: Contract) -> None:
    ddl = source_ddl(replace(flights, unknown_fields="reject"), name="s", bootstrap="b", options={})
    assert options(ddl)["strict-json.unknown-fields"] == "reject"


def test_source_of_a_derive_job_has_room_for_a_watermark(flights: Contract) -> None:
    ddl = source_ddl(flights, name="s", bootstrap="b", options={}, more=["WATERMARK FOR `t` AS `t`"])
    assert ",\n  WATERMARK FOR `t` AS `t`\n) WITH (" in ddl


def test_sink(flights: Contract) -> None:
    ddl = sink_ddl(
        data_columns(flights), name="flights", options={"connector": "staged", "path": "s3://it's"}
    )
    assert ddl.startswith("CREATE TABLE `flights` (\n  `flight_id` STRING NOT NULL,\n")
    assert "\n) PARTITIONED BY (`scheduled_departure_day`) WITH (\n" in ddl
    assert "'path' = 's3://it''s'" in ddl
    assert "  `tailnum` STRING,\n" in ddl


def test_sink_without_partitions(flights: Contract) -> None:
    columns = data_columns(replace(flights, partition_by=()))
    assert "PARTITIONED" not in sink_ddl(columns, name="flights", options={"connector": "staged"})


def test_view_adds_the_verdict_to_everything_else(flights: Contract) -> None:
    view = verdict_view(flights, name="judged", source="source")
    assert view.startswith("CREATE VIEW `judged` AS\nSELECT\n  `flight_id`,\n")
    assert view.endswith(f"  `_kafka_time`,\n  {verdict_sql(flights)} AS `_verdict`\nFROM `source`")


def test_data_insert_names_every_column_of_its_sink_in_order(flights: Contract) -> None:
    insert = data_insert(flights, source="judged", sink="flights")
    names = ", ".join(f"`{c.name}`" for c in data_columns(flights))
    assert insert.startswith(f"INSERT INTO `flights` ({names})\nSELECT\n  `flight_id`,\n")
    assert insert.endswith(
        "  CAST(`scheduled_departure` AS DATE) AS `scheduled_departure_day`\nFROM `judged`\n"
        "WHERE `_reason` IS NULL AND `_verdict` IS NULL"
    )


@pytest.mark.parametrize(
    ("partition", "sql"),
    [
        (Partition("scheduled_departure", "day"), "CAST(`scheduled_departure` AS DATE)"),
        (Partition("scheduled_departure", "month"), "FLOOR(CAST(`scheduled_departure` AS DATE) TO MONTH)"),
        (Partition("flight_date", "day"), "`flight_date`"),
        (Partition("flight_date", "month"), "FLOOR(`flight_date` TO MONTH)"),
    ],
)
def test_partition_columns_are_derived(partition: Partition, sql: str, flights: Contract) -> None:
    insert = data_insert(replace(flights, partition_by=(partition,)), source="judged", sink="flights")
    assert f"\n  {sql} AS `{partition.name}`\n" in insert


def test_quarantine_insert(flights: Contract) -> None:
    insert = quarantine_insert(replace(flights, version="1.2.3"), source="judged", sink="flights__quarantine")
    names = ", ".join(f"`{c.name}`" for c in quarantine_columns())
    first = "CAST(TIMESTAMP '1970-01-01 00:00:00.000' AS TIMESTAMP_LTZ(3))"
    last = "CAST(TIMESTAMP '2262-04-11 23:47:16.854' AS TIMESTAMP_LTZ(3))"
    nearest = (
        f"CASE WHEN `_kafka_time` < {first} THEN {first}"
        f" WHEN `_kafka_time` > {last} THEN {last} ELSE `_kafka_time` END"
    )
    assert insert == (
        f"INSERT INTO `flights__quarantine` ({names})\n"
        "SELECT\n"
        "  `_payload` AS `payload`,\n"
        "  COALESCE(`_reason`, SPLIT_INDEX(`_verdict`, ':', 0)) AS `reason`,\n"
        "  CASE WHEN `_reason` IS NOT NULL THEN `_field`"
        " ELSE NULLIF(SPLIT_INDEX(`_verdict`, ':', 1), '') END AS `field`,\n"
        "  CASE WHEN `_reason` IS NULL THEN SPLIT_INDEX(`_verdict`, ':', 2) END AS `rule`,\n"
        "  '1.2.3' AS `contract_version`,\n"
        "  `_topic`,\n"
        "  `_partition`,\n"
        "  `_offset`,\n"
        f"  {nearest} AS `_kafka_time`,\n"
        f"  CASE WHEN `_kafka_time` NOT BETWEEN {first} AND {last} THEN epoch_millis(`_kafka_time`) END"
        " AS `_kafka_millis`,\n"
        f"  CAST({nearest} AS DATE) AS `_kafka_day`\n"
        "FROM `judged`\n"
        "WHERE `_reason` IS NOT NULL OR `_verdict` IS NOT NULL"
    )
