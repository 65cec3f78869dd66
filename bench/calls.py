"""One bounded job of ``bench.functions``: strict decode, one call per row, Parquet; called as configured."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from datetime import timedelta

from pyflink.table import EnvironmentSettings, TableEnvironment

from bench.classes import IN_SQL
from headrace import settings
from headrace.contract.column_type import STRING
from headrace.contract.load import load_contract
from headrace.job.defaults import defaults
from headrace.job.functions import flink_function
from headrace.job.program import PARQUET
from headrace.table.columns import TableColumn
from headrace.table.ddl import sink_ddl, source_ddl
from headrace.table.functions import Function

CALLS = {
    "none": "CAST(NULL AS STRING), CAST(NULL AS STRING)",
    "sql": f"{IN_SQL}, CAST(NULL AS STRING)",
    "scalar": "made.answer, made.reason",
    "pandas": "made.answer, made.reason",
}
BOUND = {"scalar": "bench.classes.by_row", "pandas": "bench.classes.by_batch"}
COLUMNS = ("flight_id", "scheduled_departure", "distance")


def main() -> None:
    """Submit the job that ``BENCH_CALL`` describes: the kind of call, and Flink's options for it."""
    way, options = json.loads(os.environ["BENCH_CALL"])
    env = settings.load()
    contract = load_contract("flights")
    topic = replace(contract, topic=env.kafka.topic(contract.topic))
    table_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    place = f"{env.store.warehouse}/calls"
    own = {
        "parallelism.default": "1",
        "execution.checkpointing.dir": f"{place}/_flink",
        "python.executable": sys.executable,
    }
    for key, value in ({d.key: d.value for d in defaults(timedelta(seconds=10))} | own | options).items():
        table_env.get_config().set(key, value)
    if path := BOUND.get(way):
        table_env.create_temporary_function(
            "class_of", flink_function(Function("class_of", path, way, "", 0, ()))
        )
    bounds = {"scan.startup.mode": "earliest-offset", "scan.bounded.mode": "latest-offset"}
    table_env.execute_sql(source_ddl(topic, name="source", bootstrap=env.kafka.bootstrap, options=bounds))
    kept = [TableColumn(c.name, c.type) for c in contract.columns if c.name in COLUMNS]
    told = [TableColumn(name, STRING) for name in ("class", "reason")]
    files = {"connector": "filesystem", "path": place, "format": "parquet", **PARQUET}
    table_env.execute_sql(sink_ddl([*kept, *told], name="sink", options=files))
    listed = ", ".join(c.name for c in kept)
    call = "class_of(CAST(distance AS INT))" if path else "1"
    table_env.execute_sql(
        f"INSERT INTO sink SELECT {listed}, {CALLS[way]} FROM"  # noqa: S608 - our own words
        f" (SELECT {listed}, {call} AS made FROM source WHERE _reason IS NULL)"
    )


if __name__ == "__main__":
    main()
