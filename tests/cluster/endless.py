"""A ``main`` for Flink: jobs that run for ever, and one that fails for ever; or one that refuses to start."""

import os

from pyflink.table import EnvironmentSettings, TableEnvironment

from headrace.errors import DecisionNeeded
from headrace.report import report_error

JOBS = {
    "endless": "SELECT n FROM numbers",
    "to_be_stopped": "SELECT n FROM numbers",
    "to_be_cancelled": "SELECT n FROM numbers",
    "failing": "SELECT 1 / (n - n) FROM numbers",
}


def main() -> None:
    if why := os.environ.get("REFUSED"):
        raise SystemExit(report_error(DecisionNeeded(why, where="jobs/endless.py", remedy="decide")))
    env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    env.get_config().set("parallelism.default", os.environ.get("PARALLELISM", "1"))
    env.get_config().set("execution.checkpointing.interval", "500 ms")
    env.get_config().set("pipeline.global-job-parameters", "submission:s1")
    env.execute_sql(
        "CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '50')"
    )
    env.execute_sql("CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole')")
    only = os.environ.get("ONLY")
    for name, query in {only: JOBS["endless"]}.items() if only else JOBS.items():
        env.get_config().set("pipeline.name", name)
        env.execute_sql(f"INSERT INTO nowhere {query}")


if __name__ == "__main__":
    main()
