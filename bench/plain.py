"""What a user writes without headrace: Flink's `json` into its filesystem connector, same columns and codec.

Run by ``bench.ingest`` through ``flink run``; reads source and target from the settings.
"""

from __future__ import annotations

from datetime import timedelta

from pyflink.table import EnvironmentSettings, TableEnvironment

from headrace import settings
from headrace.contract.load import load_contract
from headrace.job.defaults import defaults
from headrace.job.program import PARQUET
from headrace.table.columns import TableColumn, data_columns
from headrace.table.ddl import sink_ddl
from headrace.table.flink import flink_type

KAFKA = {"_partition": "partition", "_offset": "offset", "_kafka_time": "timestamp"}


def main() -> None:
    """Submit the plain job."""
    env = settings.load()
    contract = load_contract("flights")
    columns = data_columns(contract)
    table_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for default in defaults(timedelta(seconds=10)):
        table_env.get_config().set(default.key, default.value)
    place = f"{env.store.warehouse}/plain"
    table_env.get_config().set("parallelism.default", str(env.flink.parallelism))
    table_env.get_config().set("execution.checkpointing.dir", f"{place}/_flink")
    table_env.execute_sql(_source(columns, env.kafka.bootstrap, env.kafka.topic(contract.topic)))
    files = {"connector": "filesystem", "path": place, "format": "parquet", **PARQUET}
    table_env.execute_sql(sink_ddl(columns, name="plain", options=files))
    source = contract.partition_by[0].source
    derived = f"FLOOR(CAST(`{source}` AS DATE) TO MONTH)"  # as the contract's month(…)
    listed = ", ".join(f"`{c.name}`" for c in columns if not c.partition)
    table_env.execute_sql(f"INSERT INTO plain SELECT {listed}, {derived} FROM source")  # noqa: S608


def _source(columns: tuple[TableColumn, ...], bootstrap: str, topic: str) -> str:
    lines = [
        f"`{c.name}` {flink_type(c.type)}"
        + (f" METADATA FROM '{KAFKA[c.name]}' VIRTUAL" if c.name in KAFKA else "")
        for c in columns
        if not c.partition
    ]
    options = {
        "connector": "kafka",
        "topic": topic,
        "properties.bootstrap.servers": bootstrap,
        "properties.isolation.level": "read_committed",
        "scan.startup.mode": "earliest-offset",
        "scan.bounded.mode": "latest-offset",
        "format": "json",
        "json.timestamp-format.standard": "ISO-8601",
    }
    told = ",\n  ".join(f"'{k}' = '{v}'" for k, v in options.items())
    return f"CREATE TABLE source ({', '.join(lines)}) WITH ({told})"


if __name__ == "__main__":
    main()
