"""Reads a topic as the ingest job does, in a JVM of its own, and prints what it makes of each record."""

import json
import sys

from pyflink.table import EnvironmentSettings, TableEnvironment

from headrace.contract.load import load_contract
from headrace.table import ddl

bootstrap, topic, *jars = sys.argv[1:]
contract = load_contract("flights")
env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
env.get_config().set("pipeline.jars", ";".join(f"file://{jar}" for jar in jars))
env.get_config().set("table.local-time-zone", "UTC").set("parallelism.default", "1")
bounds = {"topic": topic, "scan.startup.mode": "earliest-offset", "scan.bounded.mode": "latest-offset"}
env.execute_sql(ddl.source_ddl(contract, name="topic", bootstrap=bootstrap, options=bounds))
env.execute_sql(ddl.verdict_view(contract, name="judged", source="topic"))
with env.execute_sql("SELECT _offset, _reason, _field, _verdict, _payload FROM judged").collect() as rows:
    for offset, reason, field, verdict, payload in rows:
        told = [reason, field, None] if reason else [part or None for part in (verdict or "::").split(":")]
        print(json.dumps([offset, *told, None if payload is None else bytes(payload).hex()]))
