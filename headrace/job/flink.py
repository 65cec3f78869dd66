"""The only module that imports pyflink: a table environment with a program's settings and tables."""

from __future__ import annotations

from typing import Any

from pyflink.table import EnvironmentSettings, TableEnvironment

from headrace.job.program import Placement, Program


def environment(program: Program, at: Placement, extra: dict[str, str]) -> Any:
    """A streaming ``TableEnvironment`` that holds the program's tables; ``extra`` wins over defaults."""
    table_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    config = table_env.get_config()
    for default in program.settings:
        config.set(default.key, default.value)
    for key, value in extra.items():
        config.set(key, value)
    for statement in program.tables(at):
        table_env.execute_sql(statement)
    return table_env


def given() -> str | None:
    """The savepoint that whoever submitted gave to Flink (``flink run -s``), or None.

    ``flink run`` hands its options to the program through the context's stream environment; a table
    environment that was just created carries them.
    """
    config = TableEnvironment.create(EnvironmentSettings.in_streaming_mode()).get_config()
    return str(config.get("execution.state-recovery.path", "")) or None
