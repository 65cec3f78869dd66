"""Queries over a job's topics, compiled one after the other in one process: a tenth of a second each."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from headrace.job import lock
from headrace.job.assemble import load_program
from headrace.job.flink import create_environment
from headrace.job.program import Placement

ANYWHERE = Placement(bootstrap="localhost:9092", submission="compile")
KEYED, PLAIN, BESIDE = "keyed", "plain", "beside"
_COLUMNS = {
    KEYED: "lane BIGINT NOT NULL, n BIGINT, most BIGINT, PRIMARY KEY (lane) NOT ENFORCED",
    PLAIN: "lane BIGINT, n BIGINT, most BIGINT",
}
_COLUMNS[BESIDE] = _COLUMNS[KEYED]


def plans(document: str) -> str:
    """JSON of a job and of statement sets (table → query), to JSON of their plans as locks have them."""
    request = json.loads(document)
    program = load_program(request["job"])
    table_env = create_environment(program, ANYWHERE, {})
    options = program.sinks(ANYWHERE)[-1].rpartition(") WITH (")[2]
    for name, columns in _COLUMNS.items():
        table_env.execute_sql(f"CREATE TABLE {name} ({columns}) WITH ({options}")
    compiled = []
    with tempfile.TemporaryDirectory() as folder:
        for number, inserts in enumerate(request["queries"]):
            target = Path(folder) / f"{number}.json"
            statements = " ".join(f"INSERT INTO {table} {sql};" for table, sql in inserts.items())
            try:
                table_env.execute_sql(f"COMPILE PLAN '{target}' FOR STATEMENT SET BEGIN {statements} END")
            except Exception as e:
                raise AssertionError(f"Flink does not compile {statements}") from e
            compiled.append(lock.of(program, json.loads(target.read_text())).plan)
    return json.dumps(compiled)
