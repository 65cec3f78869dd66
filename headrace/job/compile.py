"""``python -m headrace.job.compile JOB FILE``: compile a job in a process of its own.

A process of its own because node ids come from a counter of the JVM: the first statement of a fresh
process always gets the same ones.
"""

from __future__ import annotations

import sys

from headrace.errors import HeadraceError
from headrace.job.assemble import load_program
from headrace.job.flink import create_environment, translated_errors
from headrace.job.program import Placement
from headrace.report import report_error


def main(name: str, target: str) -> None:
    """Write the compiled plan of the job to ``target``."""
    program = load_program(name)
    anywhere = Placement(bootstrap="localhost:9092", submission="compile")
    table_env = create_environment(program, anywhere, {})
    with translated_errors(program):
        table_env.execute_sql(f"COMPILE PLAN '{target}' FOR {program.statement_set()}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except HeadraceError as e:
        sys.exit(report_error(e))
