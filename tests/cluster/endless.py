"""Jobs for Flink: three run for ever, one fails for ever."""

from pyflink.table import EnvironmentSettings, TableEnvironment

env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
env.get_config().set("parallelism.default", "1").set("execution.checkpointing.interval", "500 ms")
env.execute_sql("CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '50')")
env.execute_sql("CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole')")
for name, query in {
    "endless": "SELECT n FROM numbers",
    "to_be_stopped": "SELECT n FROM numbers",
    "to_be_cancelled": "SELECT n FROM numbers",
    "failing": "SELECT 1 / (n - n) FROM numbers",
}.items():
    env.get_config().set("pipeline.name", name)
    env.execute_sql(f"INSERT INTO nowhere {query}")
