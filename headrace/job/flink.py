"""A table environment with a program's settings, functions and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from py4j.protocol import Py4JJavaError
from pyflink.table import EnvironmentSettings, TableEnvironment
from pyflink.util.exceptions import JavaException

from headrace.cluster.rest import root_cause
from headrace.job import functions
from headrace.job.program import Placement, Program
from headrace.job.refused import flink_refusal

_CLASS = re.compile(r"^[\w.$]+: ")
"""The class name before the message of a Java exception."""


def create_environment(program: Program, at: Placement, extra: dict[str, str]) -> Any:
    """Create a streaming ``TableEnvironment`` with the program's tables; ``extra`` overrides the defaults."""
    table_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    config = table_env.get_config()
    for default in program.settings:
        config.set(default.key, default.value)
    for key, value in extra.items():
        config.set(key, value)
    config.set("pipeline.jars", _without_pyflink(config.get("pipeline.jars", "")))
    functions.bind(table_env, program.functions)
    for statement in program.tables(at):
        with translated_errors(program, statement):
            table_env.execute_sql(statement)
    return table_env


@contextmanager
def translated_errors(program: Program, statement: str = "") -> Iterator[None]:
    """Turn Flink's exceptions into the error of this statement, or of the statement set if it is empty.

    Raises:
        JobError: Flink does not accept it.
    """
    try:
        yield
    except Py4JJavaError as e:
        raise flink_refusal(program, statement, list(_messages(e.java_exception))) from e
    except JavaException as e:  # PyFlink's form of a TableException: its stack trace as one string
        innermost = _CLASS.sub("", root_cause(e.stack_trace))
        raise flink_refusal(program, statement, [e.stack_trace, innermost]) from e


def _messages(raised: Any) -> Iterator[str]:
    """The messages of a Java exception and its causes, the innermost last."""
    while raised is not None:
        if text := raised.getMessage():
            yield str(text)
        raised = raised.getCause()


def _without_pyflink(jars: str) -> str:
    """The jars without PyFlink's own: `flink run -py…` would send its 42 MB to a cluster that has it."""
    return ";".join(jar for jar in jars.split(";") if not jar.rpartition("/")[2].startswith("flink-python-"))


def submitted_options(keys: Iterable[str]) -> dict[str, str]:
    """The values of these options at submission: from the cluster's file and ``flink run -D…``."""
    config = TableEnvironment.create(EnvironmentSettings.in_streaming_mode()).get_config()
    return {key: str(config.get(key, "")) for key in keys}
